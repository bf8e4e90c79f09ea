package io.tanuki4j.train;

import static java.util.Objects.requireNonNull;

import org.jspecify.annotations.Nullable;

/**
 * The results, the time and the energy of a log interval. Neither time nor energy counts while it
 * is paused.
 */
final class LogInterval {
  private static final double NANOS_PER_MILLI = 1e6;

  private final RunClock clock;
  private long nanos;
  private long runningSince;
  private double joules;
  private double joulesBefore;
  private double lmSum;
  private double zSum;
  private @Nullable StepResult last;
  private int numUpdates;
  private int numSkipped;
  private int numNan;

  /** Begins at once. */
  LogInterval(RunClock clock) {
    this.clock = clock;
    resume();
  }

  void pause() {
    nanos = nanosSoFar();
    joules = joulesSoFar();
  }

  void resume() {
    runningSince = clock.nanoTime().getAsLong();
    joulesBefore = clock.joules().getAsDouble();
  }

  private long nanosSoFar() {
    return nanos + clock.nanoTime().getAsLong() - runningSince;
  }

  private double joulesSoFar() {
    return joules + clock.joules().getAsDouble() - joulesBefore;
  }

  void add(StepResult result) {
    last = result;
    if (result.isFinite()) {
      lmSum += result.loss().lm();
      zSum += result.loss().z();
      numUpdates++;
      return;
    }
    numSkipped++;
    numNan += result.loss().isFinite() ? 0 : 1;
  }

  int numIterations() {
    return numUpdates + numSkipped;
  }

  /** Returns the milliseconds per iteration until now; not to be called while paused. */
  double millisPerIteration() {
    return nanosSoFar() / NANOS_PER_MILLI / Math.max(1, numIterations());
  }

  /**
   * Returns the joules of this rank's device per iteration until now; NaN if they are not counted.
   * Not to be called while paused.
   */
  double joulesPerIteration() {
    return joulesSoFar() / Math.max(1, numIterations());
  }

  /** Returns the means over the iterations that updated the weights. */
  Loss loss() {
    int count = Math.max(1, numUpdates);
    return new Loss(lmSum / count, zSum / count);
  }

  /** Returns the last iteration. */
  StepResult last() {
    return requireNonNull(last);
  }

  int numSkipped() {
    return numSkipped;
  }

  int numNan() {
    return numNan;
  }
}
