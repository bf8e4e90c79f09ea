package io.tanuki4j.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Also of {@link Recompute}: both are about who keeps what. */
class SequentialTest {
  private static final Shape SHAPE = Shape.of(5, 2, 6);

  private final TestDevice device = new TestDevice();
  private final List<RmsNorm> norms =
      IntStream.range(0, 3)
          .mapToObj(
              i ->
                  new RmsNorm(device.kernels(), device.parameter("norm" + i, Shape.of(6), i), 1e-5))
          .toList();

  @AfterEach
  void close() {
    device.close();
  }

  @Test
  void gradients_match_central_differences() {
    GradientCheck.ofLayer(device, new Sequential(norms), 5, 6, 6);
  }

  @Test
  void gradients_with_recomputation_match_central_differences() {
    GradientCheck.ofLayer(device, new Recompute<>(new Sequential(norms)), 5, 6, 6);
  }

  @Test
  void recomputation_changes_no_bit() {
    double[] kept = outAndGradients(new Sequential(norms));
    double[] recomputed = outAndGradients(new Recompute<>(new Sequential(norms)));
    assertThat(recomputed).containsExactly(kept);
  }

  @Test
  void recomputation_keeps_no_memory() {
    assertThat(bytesKept(new Recompute<>(new Sequential(norms)), true)).isZero();
    assertThat(bytesKept(new Sequential(norms), true)).isPositive();
  }

  @Test
  void evaluation_keeps_no_memory() {
    assertThat(bytesKept(new Sequential(norms), false)).isZero();
  }

  @Test
  void evaluation_has_the_output_of_training() {
    Microbatch microbatch = device.microbatch(5, 2, 1, 1);
    Tensor x = device.random(SHAPE, 1);
    Tensor out = device.scope().allocate(SHAPE, DType.F64);
    Sequential layers = new Sequential(norms);

    layers.forward(out, x, microbatch);
    layers.forward(x, x, TestDevice.evaluation(microbatch));

    assertThat(device.read(x)).containsExactly(device.read(out));
  }

  @Test
  void rejects_no_layers() {
    assertThatThrownBy(() -> new Sequential(List.of()))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private long bytesKept(Layer<?> layer, boolean training) {
    Microbatch microbatch = device.microbatch(5, 2, 1, 1);
    Tensor x = device.random(SHAPE, 1);
    Tensor out = device.scope().allocate(SHAPE, DType.F64);
    try (MemoryScope scope = device.scope().child("kept")) {
      Microbatch scoped = microbatch.withScope(scope);
      layer.forward(out, x, training ? scoped : TestDevice.evaluation(scoped));
      return scope.bytesInUse();
    }
  }

  private <S> double[] outAndGradients(Layer<S> layer) {
    layer
        .parameters()
        .forEach(parameter -> device.kernels().elementwise().fill(parameter.grad(), 0));
    Microbatch microbatch = device.microbatch(5, 2, 1, 1);
    Tensor x = device.random(SHAPE, 1);
    Tensor out = device.scope().allocate(SHAPE, DType.F64);
    Tensor dx = device.random(SHAPE, 2);
    S saved = layer.forward(out, x, microbatch);
    double[] forward = device.read(out);
    layer.backward(dx, saved, dx, microbatch);
    return IntStream.range(0, 3)
        .boxed()
        .reduce(
            concat(forward, device.read(dx)),
            (all, i) -> concat(all, device.read(layer.parameters().get(i).grad())),
            SequentialTest::concat);
  }

  private static double[] concat(double[] a, double[] b) {
    return java.util.stream.DoubleStream.concat(
            java.util.Arrays.stream(a), java.util.Arrays.stream(b))
        .toArray();
  }
}
