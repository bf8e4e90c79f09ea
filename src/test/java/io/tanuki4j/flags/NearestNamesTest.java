package io.tanuki4j.flags;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class NearestNamesTest {
  private static final List<String> NAMES =
      List.of("--lr", "--lr-decay-style", "--lr-decay-iters", "--load", "--log-interval");

  @Test
  void a_slip_gets_the_name_that_was_meant() {
    assertThat(NearestNames.of("--lr-decay-styl", NAMES)).containsExactly("--lr-decay-style");
    assertThat(NearestNames.of("--laod", NAMES)).containsExactly("--load");
  }

  @Test
  void an_abbreviation_gets_what_it_begins() {
    assertThat(NearestNames.of("--lr-decay", NAMES))
        .containsExactly("--lr-decay-iters", "--lr-decay-style");
  }

  @Test
  void what_is_near_to_nothing_gets_nothing() {
    assertThat(NearestNames.of("--bogus-flag", NAMES)).isEmpty();
    assertThat(NearestNames.of("--tp", NAMES)).isEmpty(); // its dashes are no letters
    assertThat(NearestNames.of("3", List.of("-h", "-V"))).isEmpty();
    assertThat(NearestNames.of("", NAMES)).isEmpty();
    assertThat(NearestNames.question("x", List.of(), "Look it up.")).isEqualTo("Look it up.");
  }
}
