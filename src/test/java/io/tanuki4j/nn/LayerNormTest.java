package io.tanuki4j.nn;

import io.tanuki4j.tensor.Shape;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class LayerNormTest {
  private final TestDevice device = new TestDevice();
  private final LayerNorm norm =
      new LayerNorm(
          device.kernels(),
          device.parameter("weight", Shape.of(7), 1),
          device.parameter("bias", Shape.of(7), 2),
          1e-5);

  @AfterEach
  void close() {
    device.close();
  }

  @Test
  void gradients_match_central_differences() {
    GradientCheck.ofLayer(device, norm, 3, 7, 7);
  }

  @Test
  void gradients_of_a_residual_addition_with_norm_match_central_differences() {
    GradientCheck.ofLayer(device, new ResidualNorm(device.kernels(), norm), 3, 7, 7);
  }
}
