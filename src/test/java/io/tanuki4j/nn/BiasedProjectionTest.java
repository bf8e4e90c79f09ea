package io.tanuki4j.nn;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.nn.Projection.SavedInput;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class BiasedProjectionTest {
  private final TestDevice device = new TestDevice();
  private final Parameter weight = device.parameter("weight", Shape.of(3, 5), 1);
  private final Parameter bias = device.parameter("bias", Shape.of(3), 2);
  private final Projection projection =
      new BiasedProjection(
          device.kernels(), Projection.of(new Linear(device.kernels().matmul(), weight), 3), bias);

  @AfterEach
  void close() {
    device.close();
  }

  @Test
  void without_an_input_the_output_is_the_bias() {
    Tensor x = device.tensor(DType.F64, Shape.of(1, 2, 5), new double[10]);
    Tensor out = device.scope().allocate(Shape.of(1, 2, 3), DType.F64);

    new AsLayer(device, projection).forward(out, x, device.microbatch(1, 2, 1, 1));

    double[] b = device.read(bias.value());
    assertThat(device.read(out)).containsExactly(b[0], b[1], b[2], b[0], b[1], b[2]);
  }

  @Test
  void gradients_match_central_differences() {
    GradientCheck.ofLayer(device, new AsLayer(device, projection), 4, 5, 3);
  }

  private record AsLayer(TestDevice device, Projection projection) implements Layer<SavedInput> {
    @Override
    public SavedInput forward(Tensor out, Tensor x, Microbatch microbatch) {
      return projection.forward(out, factor(x), microbatch);
    }

    @Override
    public void backward(Tensor dx, SavedInput saved, Tensor dOut, Microbatch microbatch) {
      projection.backward(dx, saved, factor(dOut), microbatch);
    }

    private Factor factor(Tensor tensor) {
      return Factor.of(tensor, device.kernels().fp8());
    }

    @Override
    public List<Parameter> parameters() {
      return projection.parameters();
    }
  }
}
