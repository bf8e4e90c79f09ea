package io.tanuki4j.flags;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PythonNumbersTest {
  @ParameterizedTest
  @CsvSource({"1_000, 1000", "+5, 5", "-7, -7", "' 42 ', 42", "007, 7", "2147483647, 2147483647"})
  void integers_of_python_are_read(String text, int value) {
    assertThat(PythonNumbers.parseInt(text)).isEqualTo(value);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"1e3", "500000.0", "", " ", "_1", "1_", "1__0", "0x10", "ten", "2147483648"})
  void what_python_refuses_as_an_integer_is_refused(String text) {
    assertThatThrownBy(() -> PythonNumbers.parseInt(text))
        .isInstanceOf(NumberFormatException.class);
  }

  @ParameterizedTest
  @CsvSource({
    "1e-4, 1e-4",
    ".5, .5",
    "5., 5",
    "-1E+2, -100",
    "1_0.2_5, 10.25",
    "' 3 ', 3",
    "1e400, Infinity",
    "inf, Infinity",
    "-Infinity, -Infinity",
    "+INF, Infinity"
  })
  void decimals_of_python_are_read(String text, double value) {
    assertThat(PythonNumbers.parseDouble(text)).isEqualTo(value);
    assertThat(PythonNumbers.isDouble(text)).isTrue();
  }

  @Test
  void nan_is_a_number_to_python() {
    assertThat(PythonNumbers.parseDouble("NaN")).isNaN();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", ".", "e5", "1e", "1f", "1d", "0x1p3", "1,5", "1._5", "infinit", "--1"})
  void what_python_refuses_as_a_float_is_refused(String text) {
    assertThat(PythonNumbers.isDouble(text)).isFalse();
    assertThatThrownBy(() -> PythonNumbers.parseDouble(text))
        .isInstanceOf(NumberFormatException.class);
  }
}
