package io.tanuki4j.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Dropout of hidden states and of attention's probabilities. */
public abstract class DropoutContract extends KernelContract {
  private static final double RATE = 0.25;
  private static final long KEY = 0x0123456789ABCDEFL;
  private static final long FIRST_SAMPLE = 5_000_000_000L;

  /** Returns five standard deviations of the share of {@code elements} that is dropped. */
  private static double fiveDeviations(double rate, long elements) {
    return 5 * Math.sqrt(rate * (1 - rate) / elements);
  }

  @ParameterizedTest
  @MethodSource("types")
  void elements_are_zero_or_divided_by_the_share_that_is_kept(DType dtype) {
    for (int columns : ODD_SIZES) {
      Tensor x = memory.random(dtype, 1, 5, 2, columns);
      Tensor out = memory.undefined(dtype, 5, 2, columns);
      kernels().random().dropout(out, x, positions(0, 5), dropout(RATE, 2));
      double[] before = memory.values(x);
      double[] after = memory.values(out);
      double[] expected = new double[before.length];
      Arrays.setAll(expected, i -> after[i] == 0 ? 0 : before[i] / (1 - RATE));
      assertClose(out, expected);
      kernels().random().dropout(x, x, positions(0, 5), dropout(RATE, 2));
      assertThat(memory.values(x)).isEqualTo(after);
    }
  }

  @Test
  void the_share_of_zeros_is_the_rate_along_every_direction() {
    int s = 64;
    int b = 3;
    int h = 256;
    for (double rate : new double[] {0.1, 0.5, 0.9}) {
      double[] zeros = zeros(s, b, h, rate, KEY);
      assertThat(mean(zeros, i -> true)).isEqualTo(rate, within(fiveDeviations(rate, s * b * h)));
      for (int j = 0; j < 8; j++) {
        int part = j;
        assertThat(mean(zeros, i -> i % h % 8 == part))
            .isEqualTo(rate, within(fiveDeviations(rate, s * b * h / 8)));
        assertThat(mean(zeros, i -> i / h / b % 8 == part))
            .isEqualTo(rate, within(fiveDeviations(rate, s * b * h / 8)));
      }
    }
  }

  /** Neighbours, other samples, other positions and other keys drop independently. */
  @Test
  void elements_drop_independently() {
    int s = 64;
    int b = 2;
    int h = 256;
    double[] zeros = zeros(s, b, h, 0.5, KEY);
    double[] others = zeros(s, b, h, 0.5, KEY + 1);
    double allowed = fiveDeviations(0.25, s * b * h / 2);
    int row = b * h;
    assertThat(mean(both(zeros, zeros, 1), i -> true)).isEqualTo(0.25, within(allowed));
    assertThat(mean(both(zeros, zeros, h), i -> true)).isEqualTo(0.25, within(allowed));
    assertThat(mean(both(zeros, zeros, row), i -> true)).isEqualTo(0.25, within(allowed));
    assertThat(mean(both(zeros, others, 0), i -> true)).isEqualTo(0.25, within(allowed));
  }

  @Test
  void a_part_of_the_rows_and_samples_drops_what_the_whole_drops() {
    double[] whole = zeros(8, 3, 33, RATE, KEY);
    Tensor x = memory.filled(DType.F32, 1, 3, 1, 33);
    Tensor sample = memory.of(DType.I64, new double[] {FIRST_SAMPLE + 1}, 1);
    kernels().random().dropout(x, x, positions(4, 7), new Dropout(RATE, KEY, sample));
    double[] part = memory.values(x);
    for (int i = 0; i < part.length; i++) {
      assertThat(part[i] == 0 ? 1 : 0).isEqualTo((int) whole[((4 + i / 33) * 3 + 1) * 33 + i % 33]);
    }
  }

  @ParameterizedTest
  @MethodSource("types")
  void attention_drops_probabilities_after_the_softmax(DType dtype) {
    AttentionShape shape = new AttentionShape(33, 2, 4, 2, 16);
    Tensor starts = memory.filled(DType.I32, 0, 33, 2);
    for (AttentionMask mask :
        new AttentionMask[] {AttentionMask.NONE, AttentionMask.ofDocuments(starts, 1)}) {
      check(dtype, shape, mask.withDropout(dropout(RATE, 2), 8));
    }
  }

  @Test
  void a_rank_with_some_heads_drops_what_all_heads_drop() {
    AttentionShape both = new AttentionShape(7, 1, 2, 2, 2);
    AttentionShape second = new AttentionShape(7, 1, 1, 1, 2);
    double[] qkv = memory.values(memory.random(DType.F32, 1, 7, 1, 12));
    double[] ofSecond = new double[42];
    Arrays.setAll(ofSecond, i -> qkv[i / 6 * 12 + i % 6 / 2 * 4 + 2 + i % 2]);
    double[] whole = forward(both, qkv, 3);
    double[] part = forward(second, ofSecond, 4);
    for (int i = 0; i < part.length; i++) {
      assertThat(part[i]).isEqualTo(whole[i / 2 * 4 + 2 + i % 2], within(1e-6));
    }
  }

  @Test
  void the_gradient_of_attention_is_that_of_the_same_drops() {
    requireF64();
    AttentionShape shape = new AttentionShape(5, 2, 4, 2, 3);
    AttentionMask mask = AttentionMask.NONE.withDropout(dropout(RATE, 2), 0);
    Tensor qkv = memory.random(DType.F64, 1, 5, 2, shape.qkvSize());
    Tensor dOut = memory.random(DType.F64, 2, 5, 2, shape.outSize());
    Tensor dQkv = memory.undefined(DType.F64, 5, 2, shape.qkvSize());
    Tensor out = memory.undefined(DType.F64, 5, 2, shape.outSize());
    Tensor lse = memory.undefined(DType.F64, 2, 4, 5);
    AttentionKernels attention = kernels().attention();
    attention.causalAttentionForward(out, lse, qkv, shape, mask);
    attention.causalAttentionBackward(dQkv, dOut, out, lse, qkv, shape, mask);
    assertGradient(
        dQkv,
        qkv,
        moved -> {
          attention.causalAttentionForward(out, lse, moved, shape, mask);
          return dot(out, dOut);
        });
  }

  /** With equal values the output is the sum of the probabilities that are kept, times 4/3. */
  private void check(DType dtype, AttentionShape shape, AttentionMask mask) {
    int s = shape.seqLength();
    int b = shape.batchSize();
    Tensor qkv = memory.filled(dtype, 1, s, b, shape.qkvSize());
    Tensor out = memory.undefined(dtype, s, b, shape.outSize());
    Tensor lse = memory.undefined(sumType(dtype), b, shape.numHeads(), s);
    kernels().attention().causalAttentionForward(out, lse, qkv, shape, mask);
    double[] expected = new double[b * shape.numHeads() * s];
    double score = Math.sqrt(shape.headDim());
    Arrays.setAll(expected, i -> score + Math.log(i % s + 1));
    assertClose(lse, expected);
    double[] values = memory.values(out);
    double kept = 0;
    for (int i = 0; i < values.length; i++) {
      int query = i / shape.outSize() / b;
      double number = values[i] * (query + 1) * (1 - RATE);
      assertThat(number).isEqualTo(Math.rint(number), within(0.02 * (query + 1)));
      kept += i % shape.headDim() == 0 ? number : 0;
    }
    long all = (long) s * (s + 1) / 2 * b * shape.numHeads();
    assertThat(kept / all).isEqualTo(1 - RATE, within(fiveDeviations(RATE, all) + 0.01));
  }

  private double[] forward(AttentionShape shape, double[] qkv, int firstHead) {
    AttentionMask mask = AttentionMask.NONE.withDropout(dropout(RATE, 1), firstHead);
    Tensor out = memory.undefined(DType.F32, 7, 1, shape.outSize());
    Tensor lse = memory.undefined(DType.F32, 1, shape.numHeads(), 7);
    Tensor in = memory.of(DType.F32, qkv, 7, 1, shape.qkvSize());
    kernels().attention().causalAttentionForward(out, lse, in, shape, mask);
    return memory.values(out);
  }

  private double[] zeros(int s, int b, int h, double rate, long key) {
    Tensor x = memory.filled(DType.F32, 1, s, b, h);
    Dropout dropout = new Dropout(rate, key, dropout(rate, b).samples());
    kernels().random().dropout(x, x, positions(0, s), dropout);
    return Arrays.stream(memory.values(x)).map(value -> value == 0 ? 1 : 0).toArray();
  }

  private static double[] both(double[] a, double[] b, int distance) {
    double[] both = new double[a.length - distance];
    Arrays.setAll(both, i -> a[i] * b[i + distance]);
    return both;
  }

  private interface Choice {
    boolean takes(int index);
  }

  private static double mean(double[] values, Choice choice) {
    double sum = 0;
    int count = 0;
    for (int i = 0; i < values.length; i++) {
      if (choice.takes(i)) {
        sum += values[i];
        count++;
      }
    }
    return sum / count;
  }

  private Dropout dropout(double rate, int batchSize) {
    double[] samples = new double[batchSize];
    Arrays.setAll(samples, i -> FIRST_SAMPLE + i);
    return new Dropout(rate, KEY, memory.of(DType.I64, samples, batchSize));
  }

  private Tensor positions(int from, int to) {
    double[] positions = new double[to - from];
    Arrays.setAll(positions, i -> from + i);
    return memory.of(DType.I32, positions, to - from);
  }
}
