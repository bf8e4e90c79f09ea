package io.tanuki4j.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class ProblemsTest {
  private final Problems problems = new Problems();

  @Test
  void all_problems_come_out_in_one_message() {
    problems.add("--lr", "abc", "a number", "Write it like 1e-4.");
    problems.positive("--num-layers", 0, "Write 1 or more.");
    assertThatThrownBy(problems::throwIfAny)
        .isInstanceOf(ConfigException.class)
        .hasMessage(
            "--lr: abc (expected: a number). Write it like 1e-4.\n"
                + "--num-layers: 0 (expected: more than 0). Write 1 or more.");
  }

  @Test
  void a_flag_that_could_not_be_read_is_not_called_missing_too() {
    problems.add("--lr", "abc", "a number", "Write it like 1e-4.");
    problems.required("--lr", null, "a number", "Add it.");
    assertThatThrownBy(problems::throwIfAny)
        .hasMessage("--lr: abc (expected: a number). Write it like 1e-4.");
  }

  @Test
  void good_and_absent_values_are_no_problems() {
    problems.positive("--a", 1, "");
    problems.positive("--a", null, "");
    problems.notNegative("--a", 0.0, "");
    problems.oneOf("--a", "x", List.of("x", "y"));
    problems.oneOf("--a", null, List.of("x", "y"));
    problems.exclusive("--a", true, "--b", false);
    problems.exclusive("--a", null, "--b", 3);
    problems.required("--a", 3, "", "");
    assertThatCode(problems::throwIfAny).doesNotThrowAnyException();
    assertThat(problems.isEmpty()).isTrue();
  }

  @Test
  void numbers_that_are_not_finite_are_neither_positive_nor_above_zero() {
    problems.positive("--a", Double.NaN, "Change it.");
    problems.notNegative("--b", Double.POSITIVE_INFINITY, "Change it.");
    assertThatThrownBy(problems::throwIfAny)
        .hasMessage(
            "--a: nan (expected: more than 0). Change it.\n"
                + "--b: inf (expected: 0 or more). Change it.");
  }
}
