package io.tanuki4j.run;

import io.tanuki4j.config.Precision;
import io.tanuki4j.config.RunConfig;
import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.model.ModelConfig.Recompute;
import io.tanuki4j.parallel.DataParallelConfig;
import io.tanuki4j.parallel.LayerCommunication;
import io.tanuki4j.parallel.Layout;
import io.tanuki4j.parallel.ParallelConfig;
import io.tanuki4j.parallel.ParallelDims;
import io.tanuki4j.parallel.RankOrder;
import io.tanuki4j.parallel.StageLayers;

/**
 * A rank of a run: what is built, and whose memory is planned.
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

  /** Returns the only rank that computes with a whole model in FP32, a sample at a time. */
  public static PlanRequest whole(ModelConfig model) {
    StageLayers layers = StageLayers.even(model.sizes().numLayers(), 1, 1);
    ParallelConfig alone =
        new ParallelConfig(
            new Layout(ParallelDims.SINGLE, layers),
            RankOrder.TP_CP_DP_PP,
            /* zeroBubble= */ false,
            LayerCommunication.PLAIN,
            DataParallelConfig.PLAIN);
    return new PlanRequest(model, Precision.FP32, 1, alone, 0);
  }

  /** Returns the layers of each stage and chunk. */
  StageLayers layers() {
    return parallel.layout().layers();
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
