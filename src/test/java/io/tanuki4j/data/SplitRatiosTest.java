package io.tanuki4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.error.UserException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SplitRatiosTest {
  @ParameterizedTest
  @CsvSource({
    "'998,1,1', 12345, '0-12320 12320-12333 12333-12345'",
    "'969, 30, 1', 12345, '0-11962 11962-12333 12333-12345'",
    "'998,1,1', 10, '0-10 10-10 10-10'",
    "'969, 30, 1', 10, '0-10 10-10 10-10'",
    "98/2, 100, '0-98 98-100 -'",
    "'1', 7, '0-7 - -'",
    "'0,1,1', 5, '- 0-2 2-5'",
    "'.5,.25,.25', 6, '0-3 3-4 4-6'",
  })
  void gives_megatrons_ranges(String split, int n, String expected) {
    SplitRatios ratios = SplitRatios.parse(split);
    List<String> ranges =
        Arrays.stream(Split.values())
            .map(s -> ratios.has(s) ? ratios.from(s, n) + "-" + ratios.to(s, n) : "-")
            .toList();
    assertThat(String.join(" ", ranges)).isEqualTo(expected);
  }

  @Test
  void the_matrix_begins_with_an_int() {
    List<Object> expected = new ArrayList<>(List.of(List.of(0, 0.98), List.of(0.98, 1.0)));
    expected.add(null);
    assertThat(SplitRatios.parse("98/2").toJson()).isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a", "1,2,3,4", "0,0,0", "-1,1,1", "1e3,1,1", "1.2.3", ".", "9,x,1"})
  void refuses_what_is_no_split(String split) {
    assertThatThrownBy(() -> SplitRatios.parse(split))
        .isInstanceOf(UserException.class)
        .hasMessage(
            "split: "
                + split
                + " (expected: one to three weights of 0 or more, not all 0)."
                + " Use for example 969,30,1.");
  }
}
