package io.tanuki4j.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Expected strings are those of CPython 3. */
class PythonFormatTest {
  private static final int NUM_RANDOM = 2000;

  @ParameterizedTest
  @CsvSource({
    "0.25, 0.2",
    "0.35, 0.3",
    "0.45, 0.5",
    "2.5, 2.5",
    "12345.65, 12345.6",
    "-0.01, -0.0",
    "NaN, nan",
    "Infinity, inf",
    "-Infinity, -inf",
    "1e16, 10000000000000000.0",
  })
  void fixed_rounds_the_binary_value_half_to_even(double value, String expected) {
    assertThat(PythonFormat.fixed(value, 1)).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0.000000E+00",
    "1, 1.000000E+00",
    "11.87654, 1.187654E+01",
    "9.9999996, 1.000000E+01",
    "4.9999999999999996e-05, 5.000000E-05",
    "1e-7, 1.000000E-07",
    "-0.5, -5.000000E-01",
    "1.7976931348623157e308, 1.797693E+308",
    "5e-324, 4.940656E-324",
    "0.5000005, 5.000005E-01",
    "NaN, NAN",
    "Infinity, INF",
  })
  void scientific_has_a_sign_and_two_digits_of_exponent(double value, String expected) {
    assertThat(PythonFormat.scientific(value, 6)).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({
    "0.0001, 0.0001",
    "0.00001, 1e-05",
    "0.00012345, 0.00012345",
    "0.000012345, 1.2345e-05",
    "1e15, 1000000000000000.0",
    "1e16, 1e+16",
    "1.2345678901234568e17, 1.2345678901234568e+17",
    "0.1, 0.1",
    "0.3333333333333333, 0.3333333333333333",
    "5.684341886080802e-14, 5.684341886080802e-14",
    "2e23, 2e+23",
    "5e-324, 5e-324",
    "-0.0, -0.0",
    "0, 0.0",
    "100, 100.0",
    "NaN, nan",
    "-Infinity, -inf",
  })
  void repr_is_the_shortest_that_reads_back(double value, String expected) {
    assertThat(PythonFormat.repr(value)).isEqualTo(expected);
  }

  @Test
  void repr_of_any_double_reads_back() {
    Random random = new Random(1);
    for (int i = 0; i < NUM_RANDOM; i++) {
      double value = Double.longBitsToDouble(random.nextLong());
      if (Double.isFinite(value)) {
        assertThat(Double.parseDouble(PythonFormat.repr(value))).isEqualTo(value);
      }
    }
  }
}
