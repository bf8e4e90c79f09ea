package io.tanuki4j.train;

import io.tanuki4j.metrics.MegatronLines;
import java.time.Clock;
import java.time.LocalDateTime;
import java.util.function.DoubleSupplier;
import java.util.function.LongSupplier;

/**
 * The time, and the energy that is used in it.
 *
 * @param clock for dates in the log, in its zone
 * @param nanoTime for durations; any origin
 * @param joules of this rank's device; any origin; NaN if they are not counted
 */
public record RunClock(Clock clock, LongSupplier nanoTime, DoubleSupplier joules) {
  /** Returns the clock of this machine, which counts no energy. */
  public static RunClock system() {
    return new RunClock(Clock.systemDefaultZone(), System::nanoTime, () -> Double.NaN);
  }

  /** Returns this clock with a counter of energy. */
  public RunClock withEnergy(DoubleSupplier counter) {
    return new RunClock(clock, nanoTime, counter);
  }

  /**
   * Returns Megatron's line for a moment of the run: {@code [after training is done] datetime: …}.
   */
  public String dateTime(String what) {
    return MegatronLines.dateTime(what, LocalDateTime.now(clock));
  }
}
