package io.tanuki4j.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RmsNormTest {
  private static final double EPSILON = 1e-5;

  private final TestDevice device = new TestDevice();

  @AfterEach
  void close() {
    device.close();
  }

  @Test
  void divides_by_the_root_of_the_mean_square_and_scales() {
    Parameter weight = device.parameter("weight", Shape.of(2), 1);
    device.write(weight.value(), 1, 10);
    Tensor x = device.tensor(DType.F64, Shape.of(1, 1, 2), 3, 4);
    Tensor out = device.scope().allocate(x.shape(), DType.F64);

    new RmsNorm(device.kernels(), weight, 0.5).forward(out, x, device.microbatch(1, 1, 1, 1));

    double[] expected = {3 / Math.sqrt(13), 40 / Math.sqrt(13)};
    assertThat(device.read(out)).containsExactly(expected, within(1e-15));
  }

  @Test
  void gradients_match_central_differences() {
    Parameter weight = device.parameter("weight", Shape.of(7), 1);
    GradientCheck.ofLayer(device, new RmsNorm(device.kernels(), weight, EPSILON), 3, 7, 7);
  }

  @Test
  void gradients_of_a_residual_addition_with_norm_match_central_differences() {
    Parameter weight = device.parameter("weight", Shape.of(7), 1);
    RmsNorm norm = new RmsNorm(device.kernels(), weight, EPSILON);
    GradientCheck.ofLayer(device, new ResidualNorm(device, norm), 3, 7, 7);
  }

  /** {@code y = x + x}, {@code out = y + norm(y)}, in the way a block uses the norm. */
  private record ResidualNorm(TestDevice device, RmsNorm norm) implements Layer<RmsNorm.Saved> {
    @Override
    public RmsNorm.Saved forward(Tensor out, Tensor x, Microbatch microbatch) {
      Tensor sum = microbatch.scope().allocate(x.shape(), x.dtype());
      device.kernels().elementwise().copy(sum, x);
      RmsNorm.Normed normed = norm.ofSum(sum, x, sum, microbatch);
      device.kernels().elementwise().add(out, normed.write(microbatch.scope()), sum);
      return normed.saved();
    }

    @Override
    public void backward(Tensor dx, RmsNorm.Saved saved, Tensor dOut, Microbatch microbatch) {
      device.kernels().elementwise().copy(dx, dOut);
      norm.addBackward(dx, saved, dOut, microbatch);
      device.kernels().elementwise().add(dx, dx, dx);
    }

    @Override
    public List<Parameter> parameters() {
      return norm.parameters();
    }
  }
}
