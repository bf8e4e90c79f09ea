package io.tanuki4j.train;

import io.tanuki4j.metrics.PythonFormat;
import java.util.Optional;
import java.util.function.LongSupplier;

/** When a run ends before its last iteration. The time counts from the construction of this. */
final class ExitPolicy {
  private static final double NANOS_PER_MINUTE = 60e9;

  private final TrainConfig config;
  private final StopRequest stop;
  private final LongSupplier nanoTime;
  private final long start;

  ExitPolicy(TrainConfig config, StopRequest stop, LongSupplier nanoTime) {
    this.config = config;
    this.stop = stop;
    this.nanoTime = nanoTime;
    this.start = nanoTime.getAsLong();
  }

  /** Why the run exits now, in the words of Megatron's line; empty to go on. */
  Optional<String> after(long iteration) {
    Optional<String> signal = stop.signal();
    if (signal.isPresent()) {
      return Optional.of("exiting program after receiving " + signal.get() + ".");
    }
    if (timeIsOver()) {
      return Optional.of("exiting program after " + PythonFormat.repr(minutes()) + " minutes");
    }
    Integer interval = config.exitInterval();
    return interval != null && iteration % interval == 0
        ? Optional.of("exiting program at iteration " + iteration)
        : Optional.empty();
  }

  /** The line for an evaluation that breaks off; empty to go on. */
  Optional<String> duringEvaluation() {
    return stop.signal()
        .map(signal -> "Exiting during evaluation, received " + signal)
        .or(
            () ->
                timeIsOver()
                    ? Optional.of("Exiting during evaluation, timelimit reached")
                    : Optional.empty());
  }

  private boolean timeIsOver() {
    Double limit = config.exitDurationMinutes();
    return limit != null && minutes() > limit;
  }

  private double minutes() {
    return (nanoTime.getAsLong() - start) / NANOS_PER_MINUTE;
  }
}
