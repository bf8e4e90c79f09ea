package io.tanuki4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

class FloatRowTest {
  /** Measured: 0.93. */
  private static final double MAX_ULPS = 1;

  /** Enough runs for the compiler to replace interpreted code. */
  private static final int RUNS_UNTIL_COMPILED = 20_000;

  private final FloatRow row = new FloatRow();

  @Test
  void exponentials_are_within_one_unit_in_the_last_place() {
    Random random = new Random(1);
    row.fill(0, 100_000);
    double[] arguments = new double[row.length()];
    for (int i = 0; i < row.length(); i++) {
      arguments[i] = (float) (174 * random.nextDouble() - 87);
      row.set(i, arguments[i]);
    }
    row.exp(1, 0);
    for (int i = 0; i < row.length(); i++) {
      double expected = Math.exp(arguments[i]);
      double ulps = Math.abs(row.get(i) - expected) / Math.ulp((float) expected);
      assertThat(ulps).as("error of exp(%s)", arguments[i]).isLessThan(MAX_ULPS);
    }
  }

  @Test
  void exponentials_of_special_numbers_are_as_expected() {
    double[] arguments = {0, -88, -1000, Double.NEGATIVE_INFINITY, 1000, Double.NaN};
    double[] expected = {1, 0, 0, 0, Double.POSITIVE_INFINITY, Double.NaN};
    row.fill(0, arguments.length);
    for (int i = 0; i < arguments.length; i++) {
      row.set(i, arguments[i]);
    }
    row.exp(1, 0);
    for (int i = 0; i < expected.length; i++) {
      assertThat(Double.valueOf(row.get(i)))
          .as("exp(%s)", arguments[i])
          .isEqualTo(Double.valueOf(expected[i]));
    }
  }

  @Test
  void compiled_code_gives_the_bits_that_the_language_defines() {
    int length = 257;
    double[] arguments = new Random(2).doubles(length, -20, 20).map(x -> (float) x).toArray();
    double sum = 0;
    for (int run = 0; run < RUNS_UNTIL_COMPILED; run++) {
      row.fill(0, length);
      for (int i = 0; i < length; i++) {
        row.set(i, arguments[i]);
      }
      sum = row.exp(1, 0);
    }
    double[] expected = new double[length];
    for (int i = 0; i < length; i++) {
      expected[i] = exp((float) arguments[i]);
      assertThat(Double.valueOf(row.get(i))).as("exp(%s)", arguments[i]).isEqualTo(expected[i]);
    }
    assertThat(sum).isEqualTo(sumByLanes(expected));
  }

  /** The steps of {@link FloatVectors#exp} in scalar arithmetic, which is always the same. */
  private static float exp(float x) {
    float roundAndBias = 0x1.8p23f + 127;
    float biased = Math.fma(x, (float) (1 / Math.log(2)), roundAndBias);
    float n = biased - roundAndBias;
    float r = Math.fma(n, -0.693359375f, x);
    r = Math.fma(n, (float) (0.693359375 - Math.log(2)), r);
    float series = (float) (1 / 5040.0);
    for (double factorial : new double[] {720, 120, 24, 6, 2, 1, 1}) {
      series = Math.fma(series, r, (float) (1 / factorial));
    }
    return series * Float.intBitsToFloat(Float.floatToRawIntBits(biased) << 23);
  }

  private static double sumByLanes(double[] values) {
    float[] lanes = new float[FloatVectors.LANES];
    int bound = values.length - values.length % lanes.length;
    for (int i = 0; i < bound; i++) {
      lanes[i % lanes.length] += (float) values[i];
    }
    double sum = 0;
    for (float lane : lanes) {
      sum += lane;
    }
    double total = sum;
    for (int i = bound; i < values.length; i++) {
      total += values[i];
    }
    return total;
  }
}
