package io.tanuki4j.nn;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class LinearTest {
  private final TestDevice device = new TestDevice();

  @AfterEach
  void close() {
    device.close();
  }

  @Test
  void multiplies_rows_by_the_transposed_weight() {
    Parameter weight = device.parameter("weight", Shape.of(2, 3), 1);
    device.write(weight.value(), 1, 2, 3, 4, 5, 6);
    Tensor x = device.tensor(DType.F64, Shape.of(1, 2, 3), 1, 0, 0, 1, 1, 1);
    Tensor out = device.scope().allocate(Shape.of(1, 2, 2), DType.F64);

    new Linear(device.kernels().matmul(), weight).forward(out, x, device.microbatch(1, 2, 1, 1));

    assertThat(device.read(out)).containsExactly(1, 4, 6, 15);
  }

  @Test
  void gradients_match_central_differences() {
    Parameter weight = device.parameter("weight", Shape.of(5, 7), 1);
    GradientCheck.ofLayer(device, new Linear(device.kernels().matmul(), weight), 3, 7, 5);
  }
}
