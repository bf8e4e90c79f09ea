package io.tanuki4j.train;

import io.tanuki4j.comm.TextExchange;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.metrics.IterationMetrics;
import io.tanuki4j.metrics.IterationMetrics.Losses;
import io.tanuki4j.metrics.IterationMetrics.Memory;
import io.tanuki4j.metrics.IterationMetrics.Norms;
import io.tanuki4j.metrics.IterationMetrics.Skipped;
import io.tanuki4j.metrics.IterationMetrics.Speed;
import io.tanuki4j.metrics.LoggingConfig;
import io.tanuki4j.metrics.Reports;
import io.tanuki4j.metrics.RunPosition;
import io.tanuki4j.metrics.StartupLines;
import io.tanuki4j.metrics.UpdateMetrics;
import io.tanuki4j.optim.AdamW;
import org.jspecify.annotations.Nullable;

/** Turns log intervals into metrics. */
public final class IterationLog {
  private static final double TERA = 1e12;
  private static final double MILLIS_PER_SECOND = 1e3;

  private final Reports reports;
  private final LoggingConfig config;
  private final AdamW optimizer;
  private final ParameterStatistics statistics;
  private final @Nullable Fp8Statistics fp8;
  private final double flopsPerSample;
  private final Device device;
  private final int globalRank;
  private boolean saidMemory;

  /**
   * @param fp8 null if it is not logged
   * @param flopsPerSample of forward and backward, as Megatron counts them; of one device
   * @param device whose memory the first line is followed by
   * @param globalRank that has it
   */
  public IterationLog(
      Reports reports,
      LoggingConfig config,
      AdamW optimizer,
      ParameterStatistics statistics,
      @Nullable Fp8Statistics fp8,
      double flopsPerSample,
      Device device,
      int globalRank) {
    this.reports = reports;
    this.config = config;
    this.optimizer = optimizer;
    this.statistics = statistics;
    this.fp8 = fp8;
    this.flopsPerSample = flopsPerSample;
    this.device = device;
    this.globalRank = globalRank;
  }

  boolean isDue(long iteration) {
    return iteration % config.logInterval() == 0;
  }

  /** Reports one iteration by itself. */
  void update(RunPosition position, StepResult result) {
    Loss loss = result.loss();
    reports
        .metrics()
        .update(
            new UpdateMetrics(
                position, loss.lm(), loss.z() == 0 ? null : loss.z(), gradNorm(result)));
  }

  /**
   * Reports an interval, which all ranks do.
   *
   * @param ranks exchange the energy that their devices used
   */
  void write(LogInterval interval, RunPosition position, TextExchange ranks) {
    double millis = interval.millisPerIteration();
    Loss loss = interval.loss();
    reports
        .metrics()
        .iteration(
            new IterationMetrics(
                position,
                new Speed(
                    millis,
                    config.line().throughput()
                        ? teraflops(position.globalBatchSize(), millis)
                        : null,
                    config.line().energy() ? joules(interval, ranks) : null),
                new Losses(loss.lm(), loss.z() == 0 ? null : loss.z(), interval.last().lossScale()),
                new Norms(
                    gradNorm(interval.last()),
                    numZeros(interval.last()),
                    config.line().paramsNorm() ? statistics.paramsNorm() : null),
                new Skipped(interval.numSkipped(), interval.numNan()),
                new Memory(device.bytesInUse(), device.bytesHeld())));
    if (fp8 != null) {
      reports.metrics().fp8(fp8.take(position.iteration()));
    }
    if (!saidMemory) {
      saidMemory = true;
      reports
          .log()
          .ofPart(
              StartupLines.memory(
                  globalRank, position.iteration(), device.bytesInUse(), device.bytesHeld()));
    }
  }

  /** Returns the joules of a device per iteration; null unless each rank's device counts them. */
  private static @Nullable Double joules(LogInterval interval, TextExchange ranks) {
    double mean =
        ranks.gather(Double.toString(interval.joulesPerIteration())).stream()
            .mapToDouble(Double::parseDouble)
            .average()
            .orElse(Double.NaN);
    return Double.isNaN(mean) ? null : mean;
  }

  private double teraflops(int globalBatchSize, double millis) {
    return flopsPerSample * globalBatchSize / (millis / MILLIS_PER_SECOND) / TERA;
  }

  /** Returns the norm; like Megatron, null for an update that the loss scaler skipped. */
  private @Nullable Double gradNorm(StepResult result) {
    if (isSkipped(result)) {
      return null;
    }
    return optimizer.clips() ? result.gradNorm() : 0;
  }

  private boolean isSkipped(StepResult result) {
    return optimizer.scalesLoss() && !Double.isFinite(result.gradNorm());
  }

  /**
   * Returns the number of zeros. Megatron's optimizer with main weights reports 0 when it does not
   * count, and nothing for an update that the loss scaler skipped.
   */
  private @Nullable Long numZeros(StepResult result) {
    if (isSkipped(result)) {
      return null;
    }
    if (config.line().numZeros()) {
      return statistics.numZeros();
    }
    return optimizer.hasMaster() ? 0L : null;
  }
}
