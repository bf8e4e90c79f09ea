package io.tanuki4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.tanuki4j.metrics.EvaluationMetrics;
import io.tanuki4j.metrics.IterationMetrics;
import io.tanuki4j.model.GoldenRun;
import io.tanuki4j.nn.Parameter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whole reference runs: samples chosen by Megatron-LM, 12 iterations trained by PyTorch in fp64.
 * Ours is in fp32, so its last digits drift, to 3e-8 of a loss and 2e-7 of weights and norms.
 */
class GoldenRunTest {
  private static final double LOSS = 1e-6;
  private static final double RELATIVE_NORM = 1e-5;
  private static final double RELATIVE_WEIGHTS = 1e-5;
  private static final double EVALUATION = 1e-6;
  private static final double RATE = 1e-12;

  /** More than the run has: the evaluations at its end see the first samples, as the reference. */
  private static final int NO_EVALUATION = 1000;

  @TempDir Path cache;
  @TempDir Path empty;

  @ParameterizedTest
  @ValueSource(strings = {"llama-tiny", "llama-tiny-zloss"})
  void training_gives_the_losses_norms_and_weights_of_the_reference(String name)
      throws IOException {
    GoldenRun golden = GoldenRun.of(name);
    try (LlamaRun run =
        new LlamaRun(golden, new LlamaRun.Options(cache, null, null, null, NO_EVALUATION))) {
      run.run();
      JsonObject expected = golden.expected();
      assertIterations(run.sink.iterations, expected.getAsJsonArray("iterations"));
      assertEvaluations(run.sink.evaluations, expected);
      assertWeights(run, golden);
    }
  }

  private static void assertIterations(List<IterationMetrics> actual, JsonArray expected) {
    assertThat(actual).hasSize(expected.size()).hasSize(12);
    for (int i = 0; i < actual.size(); i++) {
      IterationMetrics metrics = actual.get(i);
      JsonObject reference = expected.get(i).getAsJsonObject();
      double loss = reference.get("lm_loss").getAsDouble();
      double zLoss = reference.get("objective").getAsDouble() - loss;
      double norm = reference.get("grad_norm").getAsDouble();
      assertThat(metrics.lmLoss()).as("loss %d", i + 1).isCloseTo(loss, within(LOSS));
      assertThat(metrics.zLoss() == null ? 0 : metrics.zLoss())
          .as("z loss %d", i + 1)
          .isCloseTo(zLoss, within(LOSS));
      assertThat(metrics.gradNorm())
          .as("norm %d", i + 1)
          .isCloseTo(norm, within(RELATIVE_NORM * norm));
      if (i > 0) {
        double rate = reference.get("lr").getAsDouble();
        assertThat(actual.get(i - 1).learningRate())
            .as("rate logged before iteration %d", i + 1)
            .isCloseTo(rate, within(RATE * rate));
      }
    }
  }

  private static void assertEvaluations(List<EvaluationMetrics> actual, JsonObject expected) {
    assertThat(actual.stream().map(EvaluationMetrics::where))
        .containsExactly("iteration 12 on validation set", "iteration 12 on test set");
    assertThat(actual.get(0).lmLoss())
        .isCloseTo(expected.get("valid_loss_at_end").getAsDouble(), within(EVALUATION));
    assertThat(actual.get(1).lmLoss())
        .isCloseTo(expected.get("test_loss_at_end").getAsDouble(), within(EVALUATION));
  }

  private void assertWeights(LlamaRun run, GoldenRun golden) throws IOException {
    Map<String, double[]> weights = golden.finalWeights(empty);
    for (Parameter parameter : run.parameters()) {
      double[] expected = GoldenRun.of(parameter.spec(), weights);
      assertThat(relativeError(run.read(parameter), expected))
          .as("relative error of " + parameter.name())
          .isLessThan(RELATIVE_WEIGHTS);
    }
  }

  private static double relativeError(double[] actual, double[] expected) {
    double difference = 0;
    double size = 0;
    for (int i = 0; i < expected.length; i++) {
      difference += Math.pow(actual[i] - expected[i], 2);
      size += Math.pow(expected[i], 2);
    }
    return Math.sqrt(difference / size);
  }
}
