package io.tanuki4j.nn;

import static io.tanuki4j.nn.ParameterSpec.Sharing.SHARDED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.nn.ParameterSpec.Slice;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class InitializerTest {
  private static final Shape MATRIX = Shape.of(40, 50);

  private final TestDevice device = new TestDevice();

  @AfterEach
  void close() {
    device.close();
  }

  /** {@code printf '1234:embedding.weight' | sha256sum | cut -c1-16}. */
  @Test
  void key_is_a_stable_hash_of_seed_and_name() {
    assertThat(Initializer.key(1234, "embedding.weight")).isEqualTo(0x44e3611eb88caab6L);
  }

  @Test
  void matrices_are_normal_and_norms_are_one() {
    ParameterBuffers parameters =
        initialize(
            1,
            ParameterSpec.whole("matrix", MATRIX, 0.02, true),
            ParameterSpec.whole("norm", Shape.of(7), ParameterSpec.ONES, false));

    double[] matrix = device.read(parameters.get("matrix").value());
    double variance = Arrays.stream(matrix).map(x -> x * x).average().orElseThrow();
    assertThat(Math.sqrt(variance)).isCloseTo(0.02, within(0.001));
    assertThat(Arrays.stream(matrix).average().orElseThrow()).isCloseTo(0, within(0.002));
    assertThat(device.read(parameters.get("norm").value())).containsOnly(1);
    assertThat(device.read(parameters.grads())).containsOnly(0);
  }

  @Test
  void numbers_depend_on_seed_and_name_only() {
    ParameterSpec a = ParameterSpec.whole("a", MATRIX, 0.02, true);
    ParameterSpec b = ParameterSpec.whole("b", MATRIX, 0.02, true);

    double[] alone = device.read(initialize(1, a).get("a").value());
    ParameterBuffers both = initialize(1, b, a);

    assertThat(device.read(both.get("a").value())).containsExactly(alone);
    assertThat(device.read(both.get("b").value())).isNotEqualTo(alone);
    assertThat(device.read(initialize(2, a).get("a").value())).isNotEqualTo(alone);
  }

  @Test
  void slices_of_a_packed_parameter_equal_parameters_of_their_own() {
    Shape half = Shape.of(20, 50);
    Slice gate = new Slice("gate", half, 20, 0, 0);
    Slice up = new Slice("up", half, 20, 0, 0);
    ParameterSpec packed =
        new ParameterSpec("gate_up", MATRIX, List.of(gate, up), 0.02, true, SHARDED);

    ParameterBuffers together = initialize(1, packed);
    ParameterBuffers apart =
        initialize(
            1,
            ParameterSpec.whole("gate", half, 0.02, true),
            ParameterSpec.whole("up", half, 0.02, true));

    assertThat(device.read(together.get("gate_up").value().rows(0, 20)))
        .containsExactly(device.read(apart.get("gate").value()));
    assertThat(device.read(together.get("gate_up").value().rows(20, 40)))
        .containsExactly(device.read(apart.get("up").value()));
  }

  @Test
  void a_shard_holds_its_part_of_the_whole() {
    Slice lower = new Slice("matrix", MATRIX, 10, 30, 20);
    ParameterSpec shard =
        new ParameterSpec("matrix", Shape.of(10, 30), List.of(lower), 0.02, true, SHARDED);
    double[] whole =
        device.read(
            initialize(1, ParameterSpec.whole("matrix", MATRIX, 0.02, true)).get("matrix").value());

    double[] part = device.read(initialize(1, shard).get("matrix").value());

    double[] expected = new double[10 * 30];
    Arrays.setAll(expected, i -> whole[(30 + i / 30) * 50 + 20 + i % 30]);
    assertThat(part).containsExactly(expected);
  }

  private ParameterBuffers initialize(long seed, ParameterSpec... specs) {
    ParameterBuffers parameters =
        ParameterBuffers.allocate(List.of(specs), device.scope(), DType.F32, DType.F32);
    new Initializer(device.kernels(), seed).initialize(parameters);
    return parameters;
  }
}
