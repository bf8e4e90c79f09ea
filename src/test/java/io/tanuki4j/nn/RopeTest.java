package io.tanuki4j.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.error.UserException;
import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RopeTest {
  /** Megatron-LM computes the powers in fp32, whose last bit depends on the platform. */
  private static final double ONE_FLOAT_ULP = 1.2e-7;

  private static final AttentionShape SHAPE = new AttentionShape(5, 2, 4, 2, 8);

  private final TestDevice device = new TestDevice();

  @AfterEach
  void close() {
    device.close();
  }

  @Test
  void frequencies_are_those_of_megatron() {
    RopeFrequencies frequencies = new RopeFrequencies(1e4, 128, 1, null);
    int[] pairs = {0, 1, 2, 31, 32, 63};
    double[] expected = {
      1.0,
      0.8659643530845642,
      0.7498942017555237,
      0.011547819711267948,
      0.009999999776482582,
      0.00011547820759005845
    };
    assertFrequencies(frequencies, pairs, expected);
  }

  @Test
  void frequencies_of_a_large_base_are_those_of_megatron() {
    RopeFrequencies frequencies = new RopeFrequencies(5e5, 128, 1, null);
    int[] pairs = {0, 1, 2, 31, 32, 63};
    double[] expected = {
      1.0,
      0.8146172165870667,
      0.6636012196540833,
      0.0017360467463731766,
      0.001414213445968926,
      2.4551407022954663e-06
    };
    assertFrequencies(frequencies, pairs, expected);
  }

  @Test
  void llama_3_1_scaling_keeps_high_blends_middle_and_divides_low_frequencies() {
    RopeFrequencies plain = new RopeFrequencies(5e5, 128, 1, null);
    RopeFrequencies scaled = new RopeFrequencies(5e5, 128, 1, RopeScaling.LLAMA3);

    IntStream.rangeClosed(0, 28)
        .forEach(j -> assertThat(scaled.inverse(j)).isEqualTo(plain.inverse(j)));
    assertThat(plain.inverse(29)).isCloseTo(0.0026160992529250353, within(1e-15));
    assertThat(scaled.inverse(29)).isCloseTo(0.002166570763503359, within(1e-15));
    assertThat(plain.inverse(34)).isCloseTo(0.0009384738703573801, within(1e-15));
    assertThat(scaled.inverse(34)).isCloseTo(0.00017850781276799638, within(1e-15));
    IntStream.range(35, 64)
        .forEach(j -> assertThat(scaled.inverse(j)).isEqualTo(plain.inverse(j) / 8));
  }

  @Test
  void interpolation_divides_the_positions() {
    RopeFrequencies plain = new RopeFrequencies(1e4, 8, 1, null);
    RopeFrequencies interpolated = new RopeFrequencies(1e4, 8, 4, null);
    assertThat(interpolated.angle(12, 1)).isEqualTo(plain.angle(3, 1));
  }

  @Test
  void rejects_an_odd_rotary_dim() {
    assertThatThrownBy(() -> new RopeFrequencies(1e4, 7, 1, null))
        .isInstanceOf(UserException.class)
        .hasMessageContaining("7");
  }

  @Test
  void rejects_a_sequence_longer_than_the_table() {
    Rope rope = rope(8, 4);
    Tensor qkv = device.random(Shape.of(5, 2, SHAPE.qkvSize()), 1);
    assertThatThrownBy(() -> rope.forward(qkv, SHAPE, Samples.NONE))
        .isInstanceOf(UserException.class)
        .hasMessageContaining("sequence of 5 tokens (expected: at most 4");
  }

  @Test
  void rotates_part_of_a_sequence_as_the_whole() {
    RopeFrequencies frequencies = new RopeFrequencies(1e4, 8, 1, null);
    Tensor whole = device.random(Shape.of(5, 2, SHAPE.qkvSize()), 1);
    Tensor part = device.random(Shape.of(5, 2, SHAPE.qkvSize()), 1).rows(1, 3);
    AttentionShape partShape = new AttentionShape(2, 2, 4, 2, 8);

    rope(frequencies, 0, 1, 2, 3, 4).forward(whole, SHAPE, Samples.NONE);
    rope(frequencies, 1, 2).forward(part, partShape, Samples.NONE);

    assertThat(device.read(part)).containsExactly(device.read(whole.rows(1, 3)));
  }

  @Test
  void fewer_tokens_than_the_part_of_a_sequence_are_a_broken_invariant() {
    Rope rope = rope(new RopeFrequencies(1e4, 8, 1, null), 0, 1, 2, 3, 4, 7);
    Tensor qkv = device.random(Shape.of(5, 2, SHAPE.qkvSize()), 1);
    assertThatThrownBy(() -> rope.forward(qkv, SHAPE, Samples.NONE))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("5 tokens of a part of a sequence (expected: all 6 of the part)");
  }

  @Test
  void turns_the_pair_of_halves_by_the_angle_of_its_position() {
    AttentionShape shape = new AttentionShape(2, 1, 1, 1, 4);
    Tensor qkv = device.tensor(DType.F64, Shape.of(2, 1, 12), new double[24]);
    device.write(qkv.rows(1, 2), 1, 0, 0, 1, 0, 2, 0, 0, 1, 2, 3, 4);

    rope(4, 2).forward(qkv, shape, Samples.NONE);

    double slow = (float) 0.01;
    double[] expected = {
      Math.cos(1),
      -Math.sin(slow),
      Math.sin(1),
      Math.cos(slow),
      0,
      2 * Math.cos(slow),
      0,
      2 * Math.sin(slow),
      1,
      2,
      3,
      4
    };
    assertThat(device.read(qkv.rows(1, 2))).containsExactly(expected, within(1e-15));
  }

  @ParameterizedTest(name = "{0} of 8 elements")
  @ValueSource(ints = {8, 4})
  void gradients_match_central_differences(int rotaryDim) {
    Rotation rotation = new Rotation(device, rope(rotaryDim, 7));
    GradientCheck.ofLayer(device, rotation, 5, SHAPE.qkvSize(), SHAPE.qkvSize());
  }

  private Rope rope(int rotaryDim, int length) {
    RopeFrequencies frequencies = new RopeFrequencies(1e4, rotaryDim, 1, null);
    return rope(frequencies, IntStream.range(0, length).toArray());
  }

  private Rope rope(RopeFrequencies frequencies, int... positions) {
    return Rope.create(device.device(), frequencies, positions, DType.F64, device.scope());
  }

  private static void assertFrequencies(
      RopeFrequencies frequencies, int[] pairs, double[] expected) {
    for (int i = 0; i < pairs.length; i++) {
      double inFp32 = (float) frequencies.inverse(pairs[i]);
      assertThat(inFp32)
          .as("pair %d", pairs[i])
          .isCloseTo(expected[i], within(ONE_FLOAT_ULP * expected[i]));
    }
  }

  private record Rotation(TestDevice device, Rope rope) implements Layer<Tensor> {
    @Override
    public Tensor forward(Tensor out, Tensor x, Microbatch microbatch) {
      device.kernels().elementwise().copy(out, x);
      rope.forward(out, SHAPE, Samples.NONE);
      return x;
    }

    @Override
    public void backward(Tensor dx, Tensor saved, Tensor dOut, Microbatch microbatch) {
      device.kernels().elementwise().copy(dx, dOut);
      rope.backward(dx, SHAPE, Samples.NONE);
    }

    @Override
    public List<Parameter> parameters() {
      return List.of();
    }
  }
}
