package io.tanuki4j.metrics;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Metrics under the names that Megatron gives them in TensorBoard and Weights & Biases. */
public final class MetricNames {
  private static final double MILLIS_PER_SECOND = 1e3;

  private MetricNames() {}

  /** Returns the metrics of one iteration. */
  public static Map<String, Double> of(UpdateMetrics metrics) {
    Map<String, Double> values = new LinkedHashMap<>();
    values.put("learning-rate", metrics.position().learningRate());
    put(values, "decoupled-learning-rate", metrics.position().decoupledLearningRate());
    values.put("batch-size", (double) metrics.position().globalBatchSize());
    values.put("lm loss", metrics.lmLoss());
    put(values, "z loss", metrics.zLoss());
    put(values, "grad-norm", metrics.gradNorm());
    return values;
  }

  /** Returns the metrics that are known only per log interval, or of its last iteration. */
  public static Map<String, Double> of(IterationMetrics metrics, RunInfo run) {
    Map<String, Double> values = new LinkedHashMap<>();
    double seconds = metrics.speed().millisPerIteration() / MILLIS_PER_SECOND;
    values.put("loss-scale", metrics.losses().scale());
    values.put("iteration-time", seconds);
    values.put("throughput", teraflops(metrics, run));
    values.put("tokens-per-second", tokensPerSecond(metrics, run));
    put(values, "mfu", mfu(metrics, run));
    put(values, "share-of-measured-rate", shareOfMeasured(metrics, run));
    put(values, "iter-energy/gpu", metrics.speed().joulesPerDevice());
    put(values, "power/gpu", metrics.speed().wattsPerDevice());
    put(values, "joules-per-token", joulesPerToken(metrics, run));
    if (metrics.norms().gradZeros() != null) {
      values.put("num-zeros", (double) metrics.norms().gradZeros());
    }
    put(values, "params-norm", metrics.norms().params());
    values.put("mem-allocated-bytes", (double) metrics.memory().allocated());
    values.put("mem-reserved-bytes", (double) metrics.memory().reserved());
    values.put("skipped-iterations", (double) metrics.skipped().iterations());
    values.put("nan-iterations", (double) metrics.skipped().nanIterations());
    return values;
  }

  /** Returns an evaluation's loss and perplexity; validation has Megatron's names. */
  public static Map<String, Double> of(EvaluationMetrics metrics) {
    String name = "lm loss " + metrics.set();
    Map<String, Double> values = new LinkedHashMap<>();
    values.put(name, metrics.lmLoss());
    values.put(name + " ppl", metrics.perplexity());
    return values;
  }

  /** Returns the tokens per second of all ranks in a log interval. */
  public static double tokensPerSecond(IterationMetrics metrics, RunInfo run) {
    double seconds = metrics.speed().millisPerIteration() / MILLIS_PER_SECOND;
    return (double) metrics.position().globalBatchSize() * run.seqLength() / seconds;
  }

  /** Returns the TFLOP/s of one device in a log interval. */
  public static double teraflops(IterationMetrics metrics, RunInfo run) {
    double seconds = metrics.speed().millisPerIteration() / MILLIS_PER_SECOND;
    return run.ranks().flopsPerSample() * metrics.position().globalBatchSize() / seconds / 1e12;
  }

  /** Returns the share of a device's peak FLOP/s in a log interval; null if the peak is unknown. */
  public static @Nullable Double mfu(IterationMetrics metrics, RunInfo run) {
    Double peak = run.ranks().peakTeraflops();
    return peak == null ? null : teraflops(metrics, run) / peak;
  }

  /** Returns the share of what a large product reached; null if that was not measured. */
  public static @Nullable Double shareOfMeasured(IterationMetrics metrics, RunInfo run) {
    Double rate = run.ranks().measuredTeraflops();
    return rate == null ? null : teraflops(metrics, run) / rate;
  }

  private static @Nullable Double joulesPerToken(IterationMetrics metrics, RunInfo run) {
    Double joules = metrics.speed().joulesPerDevice();
    double tokens = (double) metrics.position().globalBatchSize() * run.seqLength();
    return joules == null ? null : joules * run.ranks().count() / tokens;
  }

  private static void put(Map<String, Double> values, String name, @Nullable Double value) {
    if (value != null) {
      values.put(name, value);
    }
  }
}
