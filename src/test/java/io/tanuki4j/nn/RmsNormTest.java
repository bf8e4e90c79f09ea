package io.tanuki4j.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
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
    GradientCheck.ofLayer(device, new ResidualNorm(device.kernels(), norm), 3, 7, 7);
  }
}
