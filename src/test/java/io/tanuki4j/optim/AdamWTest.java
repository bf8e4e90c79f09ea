package io.tanuki4j.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.backend.cpu.CpuBackend;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.HostValues;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.nn.ParameterSpec;
import io.tanuki4j.parallel.data.DataParallel;
import io.tanuki4j.parallel.data.OptimizerShard;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class AdamWTest {
  private static final double RATE = 1e-4;
  private static final double DECAY = 0.1;

  private final Device device = new CpuBackend(1).openDevice(0);
  private final MemoryScope scope = device.openScope("test");
  private final Tensor norm = scope.allocate(Shape.of(1), DType.F64);

  @AfterEach
  void close() {
    scope.close();
    device.close();
  }

  /** Worked by hand from the paper's formula with Megatron's order of operations, in fp64. */
  @Test
  void three_updates_give_the_known_weights() {
    ParameterBuffers parameters = parameters(DType.F64, DType.F64);
    AdamW optimizer = optimizer(parameters, 0);
    double[] expected = {0.4998950099990001, 0.4999263461633892, 0.4999350681732381};
    double[] grads = {0.1, -0.2, 0.05};
    for (int i = 0; i < grads.length; i++) {
      setGrads(parameters, grads[i]);
      optimizer.step(Rates.of(RATE, DECAY), norm);
      assertThat(values(parameters.get("matrix").value()))
          .as("weights after update " + (i + 1))
          .containsOnly(new double[] {expected[i]}, within(1e-15));
    }
    assertThat(optimizer.numUpdates()).isEqualTo(3);
  }

  @Test
  void only_the_decayed_range_decays() {
    ParameterBuffers parameters = parameters(DType.F64, DType.F64);
    AdamW optimizer = optimizer(parameters, 0);
    setGrads(parameters, 0);
    optimizer.step(Rates.of(0.5, DECAY), norm);
    assertThat(values(parameters.get("matrix").value())).containsOnly(0.5 - 0.5 * DECAY * 0.5);
    assertThat(values(parameters.get("norm").value())).containsOnly(0.5);
  }

  @Test
  void parameters_apart_have_a_learning_rate_of_their_own() {
    ParameterBuffers parameters = parameters(DType.F64, DType.F64);
    OptimizerConfig config = new OptimizerConfig(0.9, 0.95, 1e-5, 0);
    OptimizerShard shard =
        DataParallel.alone(parameters, device).shard().withApart(Set.of("matrix"));
    AdamW optimizer = new AdamW(config, StateTypes.wide(DType.F64), shard, device.kernels(), scope);
    setGrads(parameters, 1);
    optimizer.step(new Rates(0.1, 0.01, 0), norm);
    double step = 1 / (1 + 1e-5);
    assertThat(values(parameters.get("norm").value()))
        .containsOnly(new double[] {0.5 - 0.1 * step}, within(1e-12));
    assertThat(values(parameters.get("matrix").value()))
        .containsOnly(new double[] {0.5 - 0.01 * step}, within(1e-12));
    assertThat(state(optimizer, AdamW.FIRST_MOMENT, "matrix"))
        .containsOnly(new double[] {0.1}, within(1e-12));
  }

  @Test
  void the_norm_is_that_before_clipping() {
    ParameterBuffers parameters = parameters(DType.F64, DType.F64);
    AdamW optimizer = optimizer(parameters, 1);
    setGrads(parameters, 2);
    optimizer.step(Rates.of(RATE, DECAY), norm);
    double expected = Math.sqrt((6 + 3) * 4);
    assertThat(values(norm)[0]).isEqualTo(expected, within(1e-12));
    double clipped = 2 / (expected + 1e-6);
    assertThat(state(optimizer, AdamW.FIRST_MOMENT, "norm"))
        .containsOnly(new double[] {(1 - 0.9) * clipped}, within(1e-15));
  }

  @Test
  void without_clipping_the_gradient_is_whole() {
    ParameterBuffers parameters = parameters(DType.F64, DType.F64);
    AdamW optimizer = optimizer(parameters, 0);
    setGrads(parameters, 200);
    optimizer.step(Rates.of(RATE, DECAY), norm);
    assertThat(values(norm)[0]).isEqualTo(200 * 3, within(1e-9));
    assertThat(state(optimizer, AdamW.FIRST_MOMENT, "matrix"))
        .containsOnly(new double[] {(1 - 0.9) * 200}, within(1e-12));
  }

  @Test
  void a_gradient_that_is_not_finite_changes_nothing_with_or_without_clipping() {
    for (double clip : new double[] {0, 1}) {
      for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
        ParameterBuffers parameters = parameters(DType.F32, DType.F32);
        AdamW optimizer = optimizer(parameters, clip);
        setGrads(parameters, bad);
        optimizer.step(Rates.of(RATE, DECAY), norm);
        assertThat(values(parameters.get("matrix").value())).containsOnly(0.5);
        assertThat(state(optimizer, AdamW.FIRST_MOMENT, "matrix")).containsOnly(0);
      }
    }
  }

  @Test
  void bf16_weights_have_a_main_copy_that_keeps_small_updates() {
    ParameterBuffers parameters = parameters(DType.BF16, DType.F32);
    AdamW optimizer = optimizer(parameters, 0);
    setGrads(parameters, 0.1);
    optimizer.step(Rates.of(RATE, 0), norm);
    assertThat(values(parameters.get("norm").value())).containsOnly(0.5);
    assertThat(state(optimizer, AdamW.MASTER, "norm"))
        .containsOnly(new double[] {0.4999}, within(1e-6));
  }

  @Test
  void the_walk_over_the_state_visits_every_parameter() {
    List<String> visited = new ArrayList<>();
    optimizer(parameters(DType.F32, DType.F32), 0)
        .visitState(
            (kind, part, state) ->
                visited.add(kind + "." + part.parameter().name() + state.shape()));
    assertThat(visited)
        .containsExactly(
            "exp_avg.matrix[6]", "exp_avg_sq.matrix[6]", "exp_avg.norm[3]", "exp_avg_sq.norm[3]");
  }

  private AdamW optimizer(ParameterBuffers parameters, double clip) {
    OptimizerConfig config = new OptimizerConfig(0.9, 0.95, 1e-5, clip);
    return new AdamW(
        config,
        StateTypes.wide(parameters.values().dtype()),
        DataParallel.alone(parameters, device).shard(),
        device.kernels(),
        scope);
  }

  private ParameterBuffers parameters(DType valueType, DType gradType) {
    ParameterBuffers parameters =
        ParameterBuffers.allocate(
            List.of(
                ParameterSpec.whole("norm", Shape.of(3), ParameterSpec.ONES, false),
                ParameterSpec.whole("matrix", Shape.of(2, 3), 0.02, true)),
            scope,
            valueType,
            gradType);
    device.kernels().elementwise().fill(parameters.values(), 0);
    device.kernels().elementwise().fill(parameters.grads(), 0);
    parameters
        .all()
        .forEach(parameter -> device.kernels().elementwise().fill(parameter.value(), 0.5));
    return parameters;
  }

  private void setGrads(ParameterBuffers parameters, double value) {
    parameters
        .all()
        .forEach(parameter -> device.kernels().elementwise().fill(parameter.grad(), value));
  }

  private double[] state(AdamW optimizer, String kind, String name) {
    List<double[]> found = new ArrayList<>();
    optimizer.visitState(
        (k, part, state) -> {
          if (k.equals(kind) && part.parameter().name().equals(name)) {
            found.add(values(state));
          }
        });
    assertThat(found).hasSize(1);
    return found.get(0);
  }

  private double[] values(Tensor tensor) {
    ByteBuffer bytes =
        ByteBuffer.allocateDirect((int) tensor.numBytes()).order(ByteOrder.LITTLE_ENDIAN);
    device.download(bytes, tensor);
    return HostValues.decode(bytes.rewind(), tensor.dtype());
  }
}
