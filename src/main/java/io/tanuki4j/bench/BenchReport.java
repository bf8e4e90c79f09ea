package io.tanuki4j.bench;

import com.google.gson.FieldNamingPolicy;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import com.google.gson.JsonSerializationContext;
import com.google.gson.JsonSerializer;
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
        .registerTypeAdapter(
            Run.class,
            (JsonSerializer<Run>)
                (run, type, context) ->
                    flat(context, run.device(), run.model(), run.batches(), run.layout()))
        .registerTypeAdapter(
            Speed.class,
            (JsonSerializer<Speed>)
                (speed, type, context) ->
                    flat(context, speed.time(), speed.flops(), speed.copies()))
        .create()
        .toJson(this);
  }

  /** Returns one object with the members of all groups. */
  private static JsonObject flat(JsonSerializationContext context, Object... groups) {
    JsonObject all = new JsonObject();
    for (Object group : groups) {
      context.serialize(group).getAsJsonObject().asMap().forEach(all::add);
    }
    return all;
  }

  /** What was run; one flat object in the JSON. */
  record Run(Place device, Model model, Batches batches, Layout layout) {}

  /**
   * Where it ran.
   *
   * @param dtype of weights and activations
   */
  record Place(String device, String dtype) {}

  /**
   * The model.
   *
   * @param numParameters of the whole model
   */
  record Model(long numParameters, int numLayers, int hiddenSize, int vocabSize, int seqLength) {}

  /** The batches of the iterations that were measured. */
  record Batches(int microBatchSize, int globalBatchSize, int iterations) {}

  /** The ranks. */
  record Layout(
      int worldSize,
      int tensorModelParallelSize,
      int contextParallelSize,
      int pipelineModelParallelSize,
      int dataParallelSize) {}

  /** How fast; one flat object in the JSON. Rates are those of one rank's device. */
  record Speed(Time time, Flops flops, Copies copies) {
    /**
     * Derives the rates from the times.
     *
     * @param millis of each iteration
     * @param samples of an iteration, for each rank
     */
    static Speed of(
        double[] millis, ModelConfig model, double samples, DeviceRates rates, DeviceInfo device) {
      double[] sorted = millis.clone();
      Arrays.sort(sorted);
      double median = sorted[sorted.length / 2];
      double tokens = samples * model.sizes().seqLength() / median * MILLIS_PER_SECOND;
      return new Speed(
          new Time(tokens, median, sorted[0], sorted[sorted.length - 1]),
          Flops.of(tokens, model, rates, device),
          new Copies(rates.bytesPerSecond() / GIGA));
    }
  }

  /** The time of an iteration, in milliseconds; the median where nothing else is said. */
  record Time(
      double tokensPerSecond,
      double msPerIteration,
      double msPerIterationMin,
      double msPerIterationMax) {}

  /**
   * Floating-point operations.
   *
   * @param tflopsCausal with half of the attention's s·s, as Megatron-LM counts now
   * @param tflopsFull with all of it
   * @param matmulTflops that a large product of the same type reaches on this device
   * @param mfuOfMatmul tflopsCausal in parts of it
   * @param peakTflops of the data sheet; null if unknown
   * @param mfuOfPeak tflopsCausal in parts of it
   */
  record Flops(
      double tflopsCausal,
      double tflopsFull,
      double matmulTflops,
      double mfuOfMatmul,
      @Nullable Double peakTflops,
      @Nullable Double mfuOfPeak) {
    static Flops of(double tokens, ModelConfig model, DeviceRates rates, DeviceInfo device) {
      double causal = tokens * FlopsPerToken.of(model);
      boolean known = device.peakFlops() > 0;
      return new Flops(
          causal / TERA,
          tokens * FlopsPerToken.withFullAttention(model) / TERA,
          rates.flops() / TERA,
          causal / rates.flops(),
          known ? device.peakFlops() / TERA : null,
          known ? causal / device.peakFlops() : null);
    }
  }

  /**
   * Copies in the device's memory.
   *
   * @param copyGbPerSecond read and written by a large copy
   */
  record Copies(double copyGbPerSecond) {}

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
        new Place(model.device().info().name(), model.parameters().values().dtype().name()),
        new Model(
            ModelParameters.count(shape),
            shape.sizes().numLayers(),
            shape.sizes().hiddenSize(),
            shape.sizes().vocabSize(),
            shape.sizes().seqLength()),
        new Batches(
            config.train().batches().microBatchSize(),
            config.train().batches().globalBatchSize(),
            iterations),
        new Layout(dims.worldSize(), dims.tp(), dims.cp(), dims.pp(), dims.dp()));
  }
}
