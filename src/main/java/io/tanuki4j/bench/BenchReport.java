package io.tanuki4j.bench;

import com.google.gson.FieldNamingPolicy;
import com.google.gson.GsonBuilder;
import io.tanuki4j.config.RunConfig;
import io.tanuki4j.kernel.DeviceInfo;
import io.tanuki4j.kernel.profile.DeviceRates;
import io.tanuki4j.model.FlopsPerToken;
import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.model.ModelParameters;
import io.tanuki4j.parallel.ParallelDims;
import io.tanuki4j.run.RankModel;
import java.util.Arrays;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What {@code tanuki4j bench} prints as JSON; names in snake case.
 *
 * @param secondsToFirstIteration from the start of the JVM to the end of the first iteration
 * @param loss of the last iteration
 * @param heap over the measured iterations
 * @param profile null unless asked for
 */
public record BenchReport(
    Run run,
    Speed speed,
    Memory memory,
    HeapUse heap,
    double secondsToFirstIteration,
    double loss,
    @Nullable Profile profile) {
  private static final double TERA = 1e12;
  private static final double GIGA = 1e9;
  private static final double GIBI = 1L << 30;
  private static final double MILLIS_PER_SECOND = 1e3;

  /** Returns the report as one line. */
  public String toJson() {
    return new GsonBuilder()
        .setFieldNamingPolicy(FieldNamingPolicy.LOWER_CASE_WITH_UNDERSCORES)
        .create()
        .toJson(this);
  }

  /**
   * What was run.
   *
   * @param dtype of weights and activations
   * @param numParameters of the whole model
   */
  record Run(
      String device,
      String dtype,
      long numParameters,
      int numLayers,
      int hiddenSize,
      int vocabSize,
      int seqLength,
      int microBatchSize,
      int globalBatchSize,
      int iterations,
      int worldSize,
      int tensorModelParallelSize,
      int contextParallelSize,
      int pipelineModelParallelSize,
      int dataParallelSize) {}

  /**
   * How fast. Rates are those of one rank's device.
   *
   * @param tflopsCausal with half of the attention's s·s, as Megatron-LM counts now
   * @param tflopsFull with all of it
   * @param matmulTflops that a large product of the same type reaches on this device
   * @param mfuOfMatmul tflopsCausal in parts of it
   * @param peakTflops of the data sheet; null if unknown
   * @param mfuOfPeak tflopsCausal in parts of it
   * @param copyGbPerSecond read and written by a large copy
   */
  record Speed(
      double tokensPerSecond,
      double msPerIteration,
      double msPerIterationMin,
      double msPerIterationMax,
      double tflopsCausal,
      double tflopsFull,
      double matmulTflops,
      double mfuOfMatmul,
      @Nullable Double peakTflops,
      @Nullable Double mfuOfPeak,
      double copyGbPerSecond) {

    /**
     * @param millis of each iteration
     * @param samples of an iteration, for each rank
     */
    static Speed of(
        double[] millis, ModelConfig model, double samples, DeviceRates rates, DeviceInfo device) {
      double[] sorted = millis.clone();
      Arrays.sort(sorted);
      double median = sorted[sorted.length / 2];
      double tokens = samples * model.sizes().seqLength() / median * MILLIS_PER_SECOND;
      double causal = tokens * FlopsPerToken.of(model);
      boolean known = device.peakFlops() > 0;
      return new Speed(
          tokens,
          median,
          sorted[0],
          sorted[sorted.length - 1],
          causal / TERA,
          tokens * FlopsPerToken.withFullAttention(model) / TERA,
          rates.flops() / TERA,
          causal / rates.flops(),
          known ? device.peakFlops() / TERA : null,
          known ? causal / device.peakFlops() : null,
          rates.bytesPerSecond() / GIGA);
    }
  }

  /**
   * Device memory.
   *
   * @param plannedBytes before the run: all but the workspaces
   * @param reachedBytes all that the run held, workspaces of kernels included
   * @param weightsAndOptimizerBytes of them: weights, gradients, and the optimizer's state
   * @param takenAfterIteration2Bytes by which it grew later: 0 if memory is static
   */
  record Memory(
      long plannedBytes,
      long reachedBytes,
      double reachedGib,
      long weightsAndOptimizerBytes,
      long takenAfterIteration2Bytes) {
    static Memory of(RankModel model, long bytesEarly) {
      long bytes = model.device().bytesHeld();
      return new Memory(
          model.plan().total(),
          bytes,
          bytes / GIBI,
          model.memory().bytesInUse(),
          bytes - bytesEarly);
    }
  }

  /**
   * @param msPerIteration of all kernels of an iteration, each timed on its own
   * @param msByFamily the same by kind of operation
   */
  record Profile(double msPerIteration, Map<String, Double> msByFamily) {}

  static Run run(RunConfig config, RankModel model, int iterations) {
    ModelConfig shape = model.shape();
    ParallelDims dims = config.parallel().dims();
    return new Run(
        model.device().info().name(),
        model.parameters().values().dtype().name(),
        ModelParameters.count(shape),
        shape.sizes().numLayers(),
        shape.sizes().hiddenSize(),
        shape.sizes().vocabSize(),
        shape.sizes().seqLength(),
        config.train().batches().microBatchSize(),
        config.train().batches().globalBatchSize(),
        iterations,
        dims.worldSize(),
        dims.tp(),
        dims.cp(),
        dims.pp(),
        dims.dp());
  }
}
