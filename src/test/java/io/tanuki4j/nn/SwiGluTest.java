package io.tanuki4j.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SwiGluTest {
  private final TestDevice device = new TestDevice();
  private final SwiGlu layer = new SwiGlu(device.kernels());

  @AfterEach
  void close() {
    device.close();
  }

  @Test
  void multiplies_up_by_the_silu_of_the_gate() {
    Tensor gateUp = device.tensor(DType.F64, Shape.of(1, 1, 4), 1, -2, 3, 5);
    Tensor out = device.scope().allocate(Shape.of(1, 1, 2), DType.F64);

    layer.forward(out, gateUp, device.microbatch(1, 1, 1, 1));

    double[] expected = {3 / (1 + Math.exp(-1)), -10 / (1 + Math.exp(2))};
    assertThat(device.read(out)).containsExactly(expected, within(1e-14));
  }

  @Test
  void gradients_match_central_differences() {
    GradientCheck.ofLayer(device, layer, 3, 10, 5);
  }

  @Test
  void gradient_may_take_the_place_of_the_input() {
    Microbatch microbatch = device.microbatch(3, 2, 1, 1);
    Tensor gateUp = device.random(Shape.of(3, 2, 10), 1);
    Tensor dOut = device.random(Shape.of(3, 2, 5), 2);
    Tensor dx = device.scope().allocate(gateUp.shape(), DType.F64);

    layer.backward(dx, gateUp, dOut, microbatch);
    layer.backward(gateUp, gateUp, dOut, microbatch);

    assertThat(device.read(gateUp)).containsExactly(device.read(dx));
  }
}
