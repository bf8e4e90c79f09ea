package io.tanuki4j.run;

import io.tanuki4j.config.Precision;
import io.tanuki4j.config.RunConfig;
import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.model.ModelConfig.Recompute;
import io.tanuki4j.parallel.ParallelConfig;

/**
 * A rank whose memory is to be planned.
 *
 * @param model with its vocabulary
 */
public record PlanRequest(
    ModelConfig model,
    Precision precision,
    int microBatchSize,
    ParallelConfig parallel,
    int globalRank) {
  /** Returns the part of the model that a rank of a run has. */
  public static PlanRequest of(RunConfig config, ModelConfig model, int globalRank) {
    return new PlanRequest(
        model,
        config.precision(),
        config.train().batches().microBatchSize(),
        config.parallel(),
        globalRank);
  }

  PlanRequest withMicroBatchSize(int size) {
    return new PlanRequest(model, precision, size, parallel, globalRank);
  }

  PlanRequest withPrecision(Precision other) {
    return new PlanRequest(model, other, microBatchSize, parallel, globalRank);
  }

  PlanRequest withRecompute(Recompute recompute) {
    return new PlanRequest(
        model.withRecompute(recompute), precision, microBatchSize, parallel, globalRank);
  }
}
