package io.tanuki4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.tanuki4j.config.Precision;
import io.tanuki4j.kernel.Outputs;
import io.tanuki4j.metrics.EvaluationMetrics;
import io.tanuki4j.metrics.IterationMetrics;
import io.tanuki4j.model.GoldenRun;
import io.tanuki4j.model.ModelParameters;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.ParameterSpec;
import io.tanuki4j.nn.TestDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What a reference run gave: there (samples chosen by Megatron-LM, 12 iterations trained by PyTorch
 * in fp64), or here.
 *
 * @param losses of each iteration: cross entropy, and what the z-loss adds; with documents the
 *     reference's objective also differs by its normalisation, and there is no z-loss
 * @param norms of each iteration's gradient
 * @param evaluations losses on validation and test data after the last iteration
 * @param weights by parameter, after the last iteration
 */
record GoldenOutcome(
    List<Double> losses,
    List<Double> norms,
    List<Double> evaluations,
    Map<String, double[]> weights) {
  private static final int ITERATIONS = 12;
  private static final double RELATIVE_RATE = 1e-12;

  /** More than the run has: the evaluations at its end see the first samples, as the reference. */
  private static final int NO_EVALUATION = 1000;

  /**
   * @param folder gets what has to be written
   */
  static GoldenOutcome expected(GoldenRun golden, Path folder) throws IOException {
    List<Double> losses = new ArrayList<>();
    List<Double> norms = new ArrayList<>();
    for (JsonElement iteration : golden.expected().getAsJsonArray("iterations")) {
      double loss = number(iteration, "lm_loss");
      losses.add(loss);
      losses.add(golden.hasDocuments() ? 0 : number(iteration, "objective") - loss);
      norms.add(number(iteration, "grad_norm"));
    }
    Map<String, double[]> slices = golden.finalWeights(Files.createTempDirectory(folder, "hf"));
    Map<String, double[]> weights = new HashMap<>();
    for (ParameterSpec spec : ModelParameters.specs(golden.config())) {
      weights.put(spec.name(), GoldenRun.of(spec, slices));
    }
    JsonObject end = golden.expected();
    List<Double> evaluations =
        List.of(number(end, "valid_loss_at_end"), number(end, "test_loss_at_end"));
    return new GoldenOutcome(losses, norms, evaluations, weights);
  }

  /**
   * Trains as the reference did.
   *
   * @param device closes
   * @param folder gets what has to be written
   */
  static GoldenOutcome train(GoldenRun golden, TestDevice device, Precision precision, Path folder)
      throws IOException {
    Path cache = folder.resolve("cache");
    var options = new LlamaRun.Options(cache, null, null, null, NO_EVALUATION);
    try (LlamaRun run = new LlamaRun(golden, options, device, precision)) {
      run.run();
      assertRates(golden, run.sink.iterations);
      return of(run);
    }
  }

  private static GoldenOutcome of(LlamaRun run) {
    List<Double> losses = new ArrayList<>();
    List<Double> norms = new ArrayList<>();
    for (IterationMetrics iteration : run.sink.iterations) {
      Double zLoss = iteration.losses().z();
      losses.add(iteration.losses().lm());
      losses.add(zLoss == null ? 0 : zLoss);
      norms.add(iteration.norms().grad());
    }
    List<EvaluationMetrics> evaluations = run.sink.evaluations;
    assertThat(evaluations.stream().map(EvaluationMetrics::where))
        .containsExactly("iteration 12 on validation set", "iteration 12 on test set");
    Map<String, double[]> weights = new HashMap<>();
    for (Parameter parameter : run.parameters()) {
      weights.put(parameter.name(), run.read(parameter));
    }
    return new GoldenOutcome(
        losses, norms, evaluations.stream().map(EvaluationMetrics::lmLoss).toList(), weights);
  }

  /** What an outcome is kept as. */
  static String name(String golden, Precision precision) {
    return "golden run/" + golden + "/" + precision.compute();
  }

  /** Keeps this as the outcome of a backend, or of the reference. */
  GoldenOutcome keep(String backend, String run) {
    keep(backend, run + "/loss", losses);
    keep(backend, run + "/norm", norms);
    keep(backend, run + "/evaluation", evaluations);
    weights.forEach((name, values) -> Outputs.keep(backend, run + "/weights/" + name, values));
    return this;
  }

  private static void keep(String backend, String name, List<Double> values) {
    Outputs.keep(backend, name, values.stream().mapToDouble(value -> value).toArray());
  }

  /** What an iteration logs is the rate of the next one. */
  private static void assertRates(GoldenRun golden, List<IterationMetrics> actual)
      throws IOException {
    var expected = golden.expected().getAsJsonArray("iterations");
    assertThat(actual).hasSize(expected.size()).hasSize(ITERATIONS);
    for (int i = 1; i < actual.size(); i++) {
      double rate = number(expected.get(i), "lr");
      assertThat(actual.get(i - 1).position().learningRate())
          .as("rate logged before iteration %d", i + 1)
          .isCloseTo(rate, within(RELATIVE_RATE * rate));
    }
  }

  private static double number(JsonElement object, String key) {
    return object.getAsJsonObject().get(key).getAsDouble();
  }
}
