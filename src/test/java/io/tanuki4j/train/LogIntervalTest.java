package io.tanuki4j.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Clock;
import org.junit.jupiter.api.Test;

class LogIntervalTest {
  private long nanos;
  private double joules;
  private final RunClock clock = new RunClock(Clock.systemUTC(), () -> nanos, () -> joules);

  private void pass(long millis, double used) {
    nanos += millis * 1_000_000;
    joules += used;
  }

  private static StepResult result(double loss) {
    return new StepResult(new Loss(loss, 0), 1, 1);
  }

  @Test
  void time_and_energy_of_a_pause_do_not_count() {
    pass(7, 1000);
    LogInterval interval = new LogInterval(clock);
    pass(100, 30);
    interval.add(result(4));
    interval.pause();
    pass(900, 500);
    interval.resume();
    pass(60, 20);
    interval.add(result(2));
    assertThat(interval.millisPerIteration()).isEqualTo(80);
    assertThat(interval.joulesPerIteration()).isEqualTo(25);
    assertThat(interval.loss().lm()).isEqualTo(3);
  }

  @Test
  void without_a_counter_the_energy_is_no_number() {
    joules = Double.NaN;
    LogInterval interval = new LogInterval(clock);
    pass(100, 1);
    interval.add(result(1));
    assertThat(interval.joulesPerIteration()).isNaN();
    assertThat(interval.millisPerIteration()).isEqualTo(100);
  }
}
