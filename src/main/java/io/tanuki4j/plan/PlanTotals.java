package io.tanuki4j.plan;

import io.tanuki4j.config.RunConfig;
import io.tanuki4j.model.FlopsPerToken;
import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.run.RankModel.PlanRequest;
import io.tanuki4j.run.Rehearsal;
import io.tanuki4j.train.TrainConfig;
import io.tanuki4j.train.TrainConfig.Batches;

/**
 * What a run is as a whole, whatever its layout.
 *
 * @param parameters of the model, a tied embedding once; rows that pad the vocabulary count
 * @param iterations of the run
 * @param tokensPerIteration of the full global batch
 * @param tokens of the run
 * @param flopsPerToken of forward and backward, see {@link FlopsPerToken}
 */
public record PlanTotals(
    long parameters, int iterations, long tokensPerIteration, long tokens, long flopsPerToken) {
  private static final double SECONDS_PER_DAY = 24 * 60 * 60;
  private static final double TERA = 1e12;

  static PlanTotals of(RunConfig config, ModelConfig model) {
    TrainConfig train = config.train();
    long length = model.sizes().seqLength();
    try (Rehearsal whole = new Rehearsal(PlanRequest.whole(model))) {
      return new PlanTotals(
          whole.numParameters(),
          train.length().iterations(),
          length * train.batches().globalBatchSize(),
          length * numSamples(train),
          FlopsPerToken.of(model));
    }
  }

  private static long numSamples(TrainConfig train) {
    Long given = train.length().samples();
    if (given != null) {
      return given;
    }
    Batches batches = train.batches();
    long samples = 0;
    for (int i = 0; i < train.length().iterations(); i++) {
      samples += batches.batchSize(samples);
    }
    return samples;
  }

  /** Returns the floating-point operations of an iteration, of all ranks. */
  public double flopsPerIteration() {
    return (double) tokensPerIteration * flopsPerToken;
  }

  /** Returns the floating-point operations of the run, of all ranks. */
  public double flops() {
    return (double) tokens * flopsPerToken;
  }

  /**
   * Returns how long the run takes.
   *
   * @param tflops that each rank was measured to reach, in 10¹² operations a second
   */
  public double days(double tflops, int numRanks) {
    return flops() / (tflops * TERA * numRanks) / SECONDS_PER_DAY;
  }
}
