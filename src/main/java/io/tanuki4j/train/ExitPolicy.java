package io.tanuki4j.train;

import io.tanuki4j.metrics.PythonFormat;
import io.tanuki4j.parallel.Agreement;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * Decides whether a run ends before its last iteration: on all ranks at once, whichever of them is
 * told to stop or finds that the time is over. The time counts from construction.
 */
final class ExitPolicy {
  private static final double NANOS_PER_MINUTE = 60e9;

  /**
   * What a rank wants. Ranks agree on the largest number: a signal comes before the time, and names
   * the last rank that received one.
   *
   * @param rank that received the signal; 0 for the others
   */
  private record Wish(Kind kind, int rank) {
    enum Kind {
      CONTINUE,
      TIME_IS_OVER,
      SIGNAL
    }

    double number() {
      return kind.ordinal() + rank;
    }

    static Wish of(double number) {
      int signal = Kind.SIGNAL.ordinal();
      return number < signal
          ? new Wish(Kind.values()[(int) number], 0)
          : new Wish(Kind.SIGNAL, (int) number - signal);
    }
  }

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
    Wish wish = Wish.of(agreement.largestBefore(wish().number()));
    return switch (wish.kind()) {
      case SIGNAL -> Optional.of("exiting program after receiving " + signal(wish) + ".");
      case TIME_IS_OVER ->
          Optional.of("exiting program after " + PythonFormat.repr(minutes()) + " minutes");
      case CONTINUE ->
          isDue(iteration)
              ? Optional.of("exiting program at iteration " + iteration)
              : Optional.empty();
    };
  }

  /** Returns whether the run is configured to exit after the iteration. */
  boolean isDue(long iteration) {
    Integer interval = config.exits().interval();
    return interval != null && iteration % interval == 0;
  }

  /** Returns the line for an evaluation that breaks off; empty to continue. */
  Optional<String> duringEvaluation() {
    Wish wish = Wish.of(agreement.largest(wish().number()));
    return switch (wish.kind()) {
      case SIGNAL -> Optional.of("Exiting during evaluation, received " + signal(wish));
      case TIME_IS_OVER -> Optional.of("Exiting during evaluation, timelimit reached");
      case CONTINUE -> Optional.empty();
    };
  }

  private Wish wish() {
    if (stop.signal().isPresent()) {
      return new Wish(Wish.Kind.SIGNAL, agreement.rank());
    }
    return new Wish(timeIsOver() ? Wish.Kind.TIME_IS_OVER : Wish.Kind.CONTINUE, 0);
  }

  /** Returns the signal's name, which is known where it was received. */
  private String signal(Wish wish) {
    return stop.signal().orElseGet(() -> "a signal on rank %d".formatted(wish.rank()));
  }

  private boolean timeIsOver() {
    Double limit = config.exits().minutes();
    return limit != null && minutes() > limit;
  }

  private double minutes() {
    return (nanoTime.getAsLong() - start) / NANOS_PER_MINUTE;
  }
}
