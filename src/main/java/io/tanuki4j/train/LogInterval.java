package io.tanuki4j.train;

import java.util.function.LongSupplier;

/** The results and the time of a log interval. Time does not pass while it is paused. */
final class LogInterval {
  private static final double NANOS_PER_MILLI = 1e6;

  private final LongSupplier nanoTime;
  private long nanos;
  private long runningSince;
  private double lmSum;
  private double zSum;
  private double lastNorm;
  private int numUpdates;
  private int numSkipped;
  private int numNan;

  /** Begins at once. */
  LogInterval(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    this.runningSince = nanoTime.getAsLong();
  }

  void pause() {
    nanos += nanoTime.getAsLong() - runningSince;
  }

  void resume() {
    runningSince = nanoTime.getAsLong();
  }

  void add(StepResult result) {
    lastNorm = result.gradNorm();
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
    long all = nanos + nanoTime.getAsLong() - runningSince;
    return all / NANOS_PER_MILLI / Math.max(1, numIterations());
  }

  /** Returns the means over the iterations that updated the weights. */
  Loss loss() {
    int count = Math.max(1, numUpdates);
    return new Loss(lmSum / count, zSum / count);
  }

  /** Returns the gradient norm of the last iteration. */
  double gradNorm() {
    return lastNorm;
  }

  int numSkipped() {
    return numSkipped;
  }

  int numNan() {
    return numNan;
  }
}
