package io.tanuki4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.data.DataConfig.Blend;
import io.tanuki4j.error.UserException;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class BlendTest {
  @Test
  void an_odd_number_of_values_is_datasets() {
    assertThat(parse("a")).isEqualTo(new Blend(List.of("a"), null));
    assertThat(parse("1", "2", " 3 ")).isEqualTo(new Blend(List.of("1", "2", "3"), null));
  }

  @Test
  void pairs_that_begin_with_numbers_are_weights_and_datasets() {
    assertThat(parse("0.3", " a ", "1e3", "b", " 1_0 ", "c", "+5.", "d", ".5", "e"))
        .isEqualTo(
            new Blend(List.of("a", "b", "c", "d", "e"), List.of(0.3, 1000.0, 10.0, 5.0, 0.5)));
    assertThat(parse("1", "2", "3", "4"))
        .isEqualTo(new Blend(List.of("2", "4"), List.of(1.0, 3.0)));
  }

  @Test
  void pairs_that_begin_with_no_number_are_datasets() {
    assertThat(parse("a", "b")).isEqualTo(new Blend(List.of("a", "b"), null));
    assertThat(parse("1f", "b", "0x1p3", "4"))
        .isEqualTo(new Blend(List.of("1f", "b", "0x1p3", "4"), null));
  }

  @Test
  void a_mixture_is_refused() {
    assertRefused(
        "data path: b stands where a weight is expected, as other datasets have one."
            + " Give each dataset a weight, or none.",
        "0.3",
        "a",
        "b",
        "c");
  }

  @Test
  void weights_that_cannot_be_are_refused() {
    String end = " of a (expected: a number above 0). Leave out a dataset that is not wanted.";
    assertRefused("data path: weight 0.0" + end, "0", "a");
    assertRefused("data path: weight -1.0" + end, "-1", "a");
    assertRefused("data path: weight NaN" + end, "nan", "a");
    assertRefused("data path: weight Infinity" + end, "inf", "a");
    assertRefused("data path: weight -Infinity" + end, "-Infinity", "a");
  }

  @Test
  void no_dataset_and_too_many_are_refused() {
    assertRefused("data path: 0 datasets (expected: 1 to 32766).");
    assertThatThrownBy(() -> new Blend(Collections.nCopies(32767, "a"), null))
        .hasMessage("data path: 32767 datasets (expected: 1 to 32766).");
    assertThatThrownBy(() -> new Blend(List.of("a"), List.of(1.0, 2.0)))
        .hasMessage("data path: 2 weights for 1 datasets (expected: one for each).");
  }

  private static Blend parse(String... values) {
    return Blend.parse(List.of(values));
  }

  private static void assertRefused(String sentence, String... values) {
    assertThatThrownBy(() -> parse(values)).isInstanceOf(UserException.class).hasMessage(sentence);
  }
}
