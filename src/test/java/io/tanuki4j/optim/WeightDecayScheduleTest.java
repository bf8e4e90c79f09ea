package io.tanuki4j.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.optim.ScheduleConfig.DecayStyle;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WeightDecayScheduleTest {
  @ParameterizedTest
  @CsvSource({
    "CONSTANT, 0, 0.1",
    "CONSTANT, 50, 0.1",
    "LINEAR, 0, 0.01",
    "LINEAR, 25, 0.0325",
    "LINEAR, 100, 0.1",
    "LINEAR, 101, 0.1",
    "COSINE, 0, 0.01",
    "COSINE, 25, 0.02318019484660537",
    "COSINE, 50, 0.055",
    "COSINE, 100, 0.1",
  })
  void ramps_from_start_to_end(DecayStyle style, long samples, double expected) {
    assertThat(new WeightDecaySchedule(Schedules.weightDecay(style)).at(samples))
        .isEqualTo(expected, within(1e-15));
  }

  @Test
  void rejects_a_style_without_a_ramp() {
    assertThatThrownBy(() -> new WeightDecaySchedule(Schedules.weightDecay(DecayStyle.WSD)))
        .hasMessage(
            "weight-decay-incr-style: WSD (expected: one of constant, linear, cosine)."
                + " Change --weight-decay-incr-style.");
  }
}
