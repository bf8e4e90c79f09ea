package io.tanuki4j.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.util.Arrays;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Normal numbers against Philox's published vectors, by place, and by their distribution. */
public abstract class RandomContract extends KernelContract {
  @Test
  void the_first_pair_comes_from_the_published_vector_of_zeros() {
    Tensor out = memory.undefined(widest(), 1, 2);
    kernels().random().fillNormal(out, 0, 0, 0, 2, 1);
    assertClose(out, pair(0x6627e8d5L, 0xe169c58dL, 0xbc57ac4cL, 0x9b00dbd8L));
  }

  @Test
  void words_of_key_and_counter_go_in_low_first() {
    // Random123's vector of the digits of pi cannot be reached: its upper counter words are not 0.
    Tensor out = memory.undefined(widest(), 1, 1);
    long counter = 0x0123456789abcdefL;
    kernels().random().fillNormal(out, 0xfedcba9876543210L, 2, 0, counter, 1);
    long[] words = philox(new long[] {0x89abcdefL, 0x01234567L, 0, 0}, 0x76543210L, 0xfedcba98L);
    assertClose(out, new double[] {pair(words[0], words[1], words[2], words[3])[0]});
  }

  @Test
  void the_reference_used_here_gives_the_published_vectors() {
    long all = 0xffffffffL;
    assertThat(philox(new long[] {all, all, all, all}, all, all))
        .containsExactly(0x408f276dL, 0x41c83b0eL, 0xa20bc7c6L, 0x6d5451fdL);
    assertThat(
            philox(
                new long[] {0x243f6a88L, 0x85a308d3L, 0x13198a2eL, 0x03707344L},
                0xa4093822L,
                0x299f31d0L))
        .containsExactly(0xd16cfe09L, 0x94fdccebL, 0x5001e420L, 0x24126ea1L);
  }

  @ParameterizedTest
  @MethodSource("types")
  void a_part_equals_the_same_place_of_the_whole(DType dtype) {
    Tensor whole = memory.undefined(dtype, 33, 257);
    Tensor part = memory.undefined(dtype, 7, 33);
    kernels().random().fillNormal(whole, 42, 0, 0, 257, 0.02);
    kernels().random().fillNormal(part, 42, 5, 11, 257, 0.02);
    double[] all = memory.values(whole);
    double[] some = memory.values(part);
    for (int row = 0; row < 7; row++) {
      int from = (5 + row) * 257 + 11;
      assertThat(Arrays.copyOfRange(some, row * 33, (row + 1) * 33))
          .isEqualTo(Arrays.copyOfRange(all, from, from + 33));
    }
  }

  @Test
  void moments_are_those_of_the_normal_distribution() {
    Tensor out = memory.undefined(DType.F32, 300, 300);
    kernels().random().fillNormal(out, 7, 0, 0, 300, 2);
    double[] values = memory.values(out);
    double mean = Arrays.stream(values).average().orElseThrow();
    double variance = Arrays.stream(values).map(x -> x * x).average().orElseThrow();
    double fourth = Arrays.stream(values).map(x -> x * x * x * x).average().orElseThrow();
    // Five standard errors of 90,000 samples.
    assertThat(mean).isCloseTo(0, Offset.offset(0.034));
    assertThat(variance).isCloseTo(4, Offset.offset(0.095));
    assertThat(fourth / 16).isCloseTo(3, Offset.offset(0.17));
  }

  private static double[] pair(long w0, long w1, long w2, long w3) {
    double u1 = (w0 * 0x1p20 + (w1 >>> 12) + 0.5) / 0x1p52;
    double u2 = (w2 * 0x1p20 + (w3 >>> 12) + 0.5) / 0x1p52;
    double radius = Math.sqrt(-2 * Math.log(u1));
    return new double[] {radius * Math.cos(2 * Math.PI * u2), radius * Math.sin(2 * Math.PI * u2)};
  }

  /** Ten rounds, as the paper defines them, in unsigned arithmetic. */
  static long[] philox(long[] counter, long key0, long key1) {
    long[] c = counter;
    for (int round = 0; round < 10; round++) {
      long p0 = 0xD2511F53L * c[0];
      long p1 = 0xCD9E8D57L * c[2];
      long k0 = key0 + round * 0x9E3779B9L;
      long k1 = key1 + round * 0xBB67AE85L;
      long mask = 0xffffffffL;
      c =
          new long[] {
            ((p1 >>> 32) ^ c[1] ^ k0) & mask, p1 & mask, ((p0 >>> 32) ^ c[3] ^ k1) & mask, p0 & mask
          };
    }
    return c;
  }
}
