package io.tanuki4j.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.error.UserException;
import io.tanuki4j.optim.ScheduleConfig.DecayStyle;
import io.tanuki4j.optim.ScheduleConfig.FinalDecay;
import io.tanuki4j.optim.ScheduleConfig.LearningRate;
import io.tanuki4j.optim.ScheduleConfig.WeightDecay;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The values are those of Megatron's scheduler under CPython. */
class LearningRateScheduleTest {
  /** The cosine and the power of two C libraries may differ in the last bit. */
  private static final double RELATIVE = 1e-12;

  @ParameterizedTest
  @CsvSource({
    "constant, 0 .0005 .001 .001 .001 .001 .001",
    "linear, 0 .0005 .001 .000989 .000505 1e-05 1e-05",
    "cosine, 0 .0005 .001 .0009996984593744526 .000505 1e-05 1e-05",
    "inverse-square-root, 0 .0005 .001 .0009534625892455924 .0004264014327112209"
        + " .00031622776601683794 1e-05",
  })
  void follows_megatron(String style, String rates) {
    LearningRateSchedule schedule =
        new LearningRateSchedule(Schedules.of(DecayStyle.of(style), DecayStyle.EXPONENTIAL));
    assertRates(schedule, new long[] {0, 5, 10, 11, 55, 100, 101}, rates);
  }

  @ParameterizedTest
  @CsvSource({
    "linear, .001 .0009505 .000505 1e-05 1e-05",
    "cosine, .001 .0009939057285945933 .000505 1e-05 1e-05",
    "exponential, .001 .0009325539312711943 .0004200714267493642 1e-05 1e-05",
    "minus_sqrt, .001 .0007786292702275209 .00029996428662531794 1e-05 1e-05",
  })
  void warm_up_stable_decay_follows_megatron(String style, String rates) {
    LearningRateSchedule schedule =
        new LearningRateSchedule(Schedules.of(DecayStyle.WSD, DecayStyle.of(style)));
    assertRates(schedule, new long[] {80, 81, 90, 100, 101}, rates);
    assertThat(schedule.at(40)).isEqualTo(.001);
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1e-07",
    "500, 4.9999999999999996e-05",
    "1000, 9.999999999999999e-05",
    "1001, 9.999999815294741e-05",
    "6750, 5.05e-05",
    "12499, 1.0000018470526062e-06",
    "12500, 1e-06",
  })
  void gives_the_rates_of_the_tanuki_run(long iterations, double expected) {
    LearningRateSchedule schedule =
        new LearningRateSchedule(
            new ScheduleConfig(
                new LearningRate(DecayStyle.COSINE, 1e-4, 1e-6, 0, 1000 * 1536, 12500 * 1536),
                new FinalDecay(DecayStyle.EXPONENTIAL, 0),
                new WeightDecay(DecayStyle.CONSTANT, 0.1, 0.1, 12500 * 1536)));
    assertThat(schedule.at(iterations * 1536)).isEqualTo(expected, within(RELATIVE * expected));
  }

  @Test
  void warm_up_starts_at_its_initial_rate() {
    LearningRateSchedule schedule =
        new LearningRateSchedule(
            new ScheduleConfig(
                new LearningRate(DecayStyle.LINEAR, 1e-3, 0, 2e-4, 10, 100),
                new FinalDecay(DecayStyle.LINEAR, 0),
                new WeightDecay(DecayStyle.CONSTANT, 0, 0, 100)));
    assertThat(schedule.at(0)).isEqualTo(2e-4);
    assertThat(schedule.at(5)).isEqualTo(6e-4, within(RELATIVE));
  }

  @Test
  void rejects_a_warm_up_as_long_as_the_decay() {
    assertThatThrownBy(() -> schedule(DecayStyle.LINEAR, 1e-3, 1e-5, 100))
        .isInstanceOf(UserException.class)
        .hasMessage(
            "warm-up: 100.0 samples (expected: less than the 100.0 samples of the decay)."
                + " Shorten the warm-up or raise --lr-decay-iters or --lr-decay-samples.");
  }

  @Test
  void rejects_a_lowest_rate_above_the_highest() {
    assertThatThrownBy(() -> schedule(DecayStyle.LINEAR, 1e-3, 1e-2, 10))
        .isInstanceOf(UserException.class)
        .hasMessageStartingWith("min-lr: 0.01 (expected: from 0 to lr 0.001)");
  }

  @Test
  void rejects_a_style_that_is_only_a_final_decay() {
    assertThatThrownBy(() -> schedule(DecayStyle.EXPONENTIAL, 1e-3, 1e-5, 10))
        .isInstanceOf(UserException.class)
        .hasMessageStartingWith("lr-decay-style: exponential (expected: one of constant, linear");
  }

  @Test
  void rejects_a_spelling_that_is_no_style() {
    assertThatThrownBy(() -> DecayStyle.of("cosinus"))
        .hasMessageStartingWith("decay style: cosinus (expected: one of constant, linear, cosine");
  }

  private static LearningRateSchedule schedule(
      DecayStyle style, double max, double min, double warmup) {
    return new LearningRateSchedule(
        new ScheduleConfig(
            new LearningRate(style, max, min, 0, warmup, 100),
            new FinalDecay(DecayStyle.LINEAR, 0),
            new WeightDecay(DecayStyle.CONSTANT, 0, 0, 100)));
  }

  private static void assertRates(LearningRateSchedule schedule, long[] samples, String rates) {
    double[] expected = Arrays.stream(rates.split(" ")).mapToDouble(Double::parseDouble).toArray();
    assertThat(expected).hasSameSizeAs(samples);
    for (int i = 0; i < samples.length; i++) {
      assertThat(schedule.at(samples[i]))
          .as("rate at " + samples[i])
          .isEqualTo(expected[i], within(RELATIVE * expected[i]));
    }
  }
}
