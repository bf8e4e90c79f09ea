package io.tanuki4j.train;

import io.tanuki4j.metrics.PythonFormat;
import io.tanuki4j.parallel.Agreement;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * When a run ends before its last iteration: on all ranks at once, whichever of them is told to
 * stop or finds that the time is over. The time counts from the construction of this.
 */
final class ExitPolicy {
  private static final double NANOS_PER_MINUTE = 60e9;

  /** What a rank wishes for; more than this is the number of a rank that heard a signal. */
  private static final double GO_ON = 0;

  private static final double TIME_IS_OVER = 1;
  private static final double SIGNAL = 2;

  private final TrainConfig config;
  private final StopRequest stop;
  private final LongSupplier nanoTime;
  private final Agreement agreement;
  private final long start;

  /**
   * @param agreement of all ranks
   */
  ExitPolicy(TrainConfig config, StopRequest stop, LongSupplier nanoTime, Agreement agreement) {
    this.config = config;
    this.stop = stop;
    this.nanoTime = nanoTime;
    this.agreement = agreement;
    this.start = nanoTime.getAsLong();
  }

  /**
   * Returns why the run exits now, in the words of Megatron's line; empty to continue. Several
   * ranks use the wishes of the previous iteration, which are known without a wait.
   */
  Optional<String> after(long iteration) {
    double wish = agreement.largestBefore(wish());
    if (wish >= SIGNAL) {
      return Optional.of("exiting program after receiving " + signal(wish) + ".");
    }
    if (wish == TIME_IS_OVER) {
      return Optional.of("exiting program after " + PythonFormat.repr(minutes()) + " minutes");
    }
    return isDue(iteration)
        ? Optional.of("exiting program at iteration " + iteration)
        : Optional.empty();
  }

  /** Returns whether the run is configured to exit after the iteration. */
  boolean isDue(long iteration) {
    Integer interval = config.exits().interval();
    return interval != null && iteration % interval == 0;
  }

  /** Returns the line for an evaluation that breaks off; empty to continue. */
  Optional<String> duringEvaluation() {
    double wish = agreement.largest(wish());
    if (wish >= SIGNAL) {
      return Optional.of("Exiting during evaluation, received " + signal(wish));
    }
    return wish == TIME_IS_OVER
        ? Optional.of("Exiting during evaluation, timelimit reached")
        : Optional.empty();
  }

  private double wish() {
    if (stop.signal().isPresent()) {
      return SIGNAL + agreement.rank();
    }
    return timeIsOver() ? TIME_IS_OVER : GO_ON;
  }

  /** Returns the signal's name, which is known where it was received. */
  private String signal(double wish) {
    return stop.signal().orElseGet(() -> "a signal on rank %d".formatted((int) (wish - SIGNAL)));
  }

  private boolean timeIsOver() {
    Double limit = config.exits().minutes();
    return limit != null && minutes() > limit;
  }

  private double minutes() {
    return (nanoTime.getAsLong() - start) / NANOS_PER_MINUTE;
  }
}
