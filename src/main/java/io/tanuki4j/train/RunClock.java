package io.tanuki4j.train;

import io.tanuki4j.metrics.MegatronLines;
import java.time.Clock;
import java.time.LocalDateTime;
import java.util.function.LongSupplier;

/**
 * The time.
 *
 * @param clock for dates in the log, in its zone
 * @param nanoTime for durations; any origin
 */
public record RunClock(Clock clock, LongSupplier nanoTime) {
  public static RunClock system() {
    return new RunClock(Clock.systemDefaultZone(), System::nanoTime);
  }

  /**
   * Returns Megatron's line for a moment of the run: {@code [after training is done] datetime: …}.
   */
  public String dateTime(String what) {
    return MegatronLines.dateTime(what, LocalDateTime.now(clock));
  }
}
