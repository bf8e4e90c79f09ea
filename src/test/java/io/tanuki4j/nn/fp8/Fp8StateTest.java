package io.tanuki4j.nn.fp8;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.Fp8Kernels.Window;
import io.tanuki4j.nn.Factor;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.ParameterListener;
import io.tanuki4j.nn.TestDevice;
import io.tanuki4j.nn.fp8.Fp8Config.Recipe;
import io.tanuki4j.nn.fp8.Fp8State.Role;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Float8;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Which scale a tensor gets from iteration to iteration. */
class Fp8StateTest {
  private static final int SIZE = 16;
  private static final int HISTORY = 3;

  private final TestDevice device = new TestDevice();
  private final Parameter weight = device.parameter("weight", Shape.of(SIZE, SIZE), 1);
  private final List<Tensor> reduced = new ArrayList<>();

  @AfterEach
  void close() {
    device.close();
  }

  private Fp8State state(Recipe recipe, int margin, Window window) {
    Fp8Config config =
        new Fp8Config(DType.F8_E5M2, recipe, margin, HISTORY, window, false, Fp8Config.Ends.NONE);
    return new Fp8State(config, List.of(weight), device.kernels(), reduced::add, device.scope());
  }

  private Fp8State delayed() {
    return state(Recipe.DELAYED, 0, Window.MAX);
  }

  private Microbatch microbatch(boolean training) {
    Microbatch some = device.microbatch(SIZE, 1, 2, 1);
    return new Microbatch(
        some.inputs(),
        some.lossSums(),
        some.gradScale(),
        Accumulate.ADD,
        ParameterListener.NONE,
        training,
        device.scope());
  }

  /** Quantizes a tensor of this magnitude and returns the scale that it got. */
  private double scaleOf(Fp8State state, Role role, double magnitude, boolean training) {
    double[] values = new double[SIZE * SIZE];
    values[5] = -magnitude;
    Tensor x = device.tensor(DType.F32, Shape.of(SIZE, 1, SIZE), values);
    Scaling scaling = state.scaling(weight, role, microbatch(training));
    Tensor rows = device.scope().allocate(x.shape(), scaling.type());
    Factor factor = Factor.of(x, device.kernels().fp8());
    state.quantize(factor, rows, null, scaling, device.scope());
    float scale = (float) device.read(scaling.scale())[0];
    assertThat(device.read(scaling.inverse())[0]).isEqualTo(1 / scale);
    assertThat(device.readBytes(rows)[5])
        .isEqualTo(Float8.fromFloat((float) -magnitude * scale, scaling.type()));
    return scale;
  }

  private double train(Fp8State state, double magnitude) {
    return scaleOf(state, Role.INPUT, magnitude, true);
  }

  @Test
  void first_iteration_scales_each_tensor_by_its_own_magnitude() {
    Fp8State state = delayed();
    assertThat(train(state, 3.5)).isEqualTo(128);
    assertThat(train(state, 1000)).isEqualTo(448f / 1000);
    assertThat(scaleOf(state, Role.GRADIENT, 3.5, true)).isEqualTo(16384);
  }

  @Test
  void later_iterations_scale_by_the_largest_magnitude_of_the_window() {
    Fp8State state = delayed();
    train(state, 3.5);
    train(state, 7);
    state.endIteration();
    assertThat(train(state, 14)).as("the largest of the first").isEqualTo(64);
    state.endIteration();
    assertThat(train(state, 1)).isEqualTo(32);
    state.endIteration();
    assertThat(train(state, 1)).as("14 is in the window").isEqualTo(32);
    state.endIteration();
    assertThat(train(state, 1)).isEqualTo(32);
    state.endIteration();
    assertThat(train(state, 1)).as("14 has left the window").isEqualTo(448);
  }

  @Test
  void most_recent_magnitude_can_make_the_scale() {
    Fp8State state = state(Recipe.DELAYED, 0, Window.MOST_RECENT);
    train(state, 14);
    state.endIteration();
    train(state, 7);
    state.endIteration();
    assertThat(train(state, 1)).isEqualTo(64);
  }

  @Test
  void margin_halves_scales() {
    Fp8State state = state(Recipe.DELAYED, 2, Window.MAX);
    assertThat(train(state, 3.5)).isEqualTo(32);
    state.endIteration();
    assertThat(train(state, 1000)).isEqualTo(32);
  }

  @Test
  void tensor_that_was_not_there_keeps_its_scale() {
    Fp8State state = delayed();
    train(state, 7);
    state.endIteration();
    state.endIteration();
    assertThat(train(state, 1)).isEqualTo(64);
  }

  @Test
  void infinity_and_nan_never_enter_the_window() {
    Fp8State state = delayed();
    train(state, 7);
    state.endIteration();
    train(state, Double.POSITIVE_INFINITY);
    train(state, Double.NaN);
    state.endIteration();
    assertThat(train(state, 1)).isEqualTo(64);
    state.endIteration();
    state.endIteration();
    train(state, 1);
    state.endIteration();
    train(state, 1);
    state.endIteration();
    assertThat(train(state, 1)).isEqualTo(448);
  }

  @Test
  void evaluation_leaves_no_trace() {
    Fp8State state = delayed();
    assertThat(scaleOf(state, Role.INPUT, 100, false)).isEqualTo(4.48f);
    train(state, 7);
    state.endIteration();
    assertThat(scaleOf(state, Role.INPUT, 100, false)).isEqualTo(64);
    state.endIteration();
    assertThat(train(state, 1)).isEqualTo(64);
  }

  @Test
  void amaxes_of_all_layers_are_reduced_once_an_iteration() {
    Fp8State state = delayed();
    train(state, 7);
    state.endIteration();
    reduced.clear();
    train(state, 7);
    train(state, 7);
    state.endIteration();
    assertThat(reduced).hasSize(1);
    assertThat(reduced.get(0).numElements()).isEqualTo(Role.values().length);
  }

  @Test
  void tensorwise_scales_are_always_of_the_tensor_itself() {
    Fp8State state = state(Recipe.TENSORWISE, 0, Window.MAX);
    train(state, 7);
    state.endIteration();
    assertThat(train(state, 3.5)).isEqualTo(128);
    assertThat(state.saved()).isEmpty();
    assertThat(state.phase()).isZero();
  }

  @Test
  void phase_changes_with_the_operations() {
    Fp8State state = delayed();
    assertThat(state.phase()).isZero();
    assertThat(state.saved()).isEmpty();
    state.endIteration();
    assertThat(state.phase()).isEqualTo(1);
    assertThat(state.saved()).hasSize(1);
  }
}
