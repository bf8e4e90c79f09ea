package io.tanuki4j.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.config.Precision;
import io.tanuki4j.metrics.EvaluationMetrics;
import io.tanuki4j.metrics.IterationMetrics;
import io.tanuki4j.model.GoldenRun;
import io.tanuki4j.nn.TestDevice;
import io.tanuki4j.optim.LossScaling;
import java.io.IOException;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run that stops and goes on with new objects equals the unbroken one bit by bit. */
class ResumeTest {
  private static final GoldenRun GOLDEN = GoldenRun.of("llama-tiny");
  private static final int HALF = 6;
  private static final int SCALE = 4;

  @TempDir Path folder;

  /** Overflows at first, and again after it has grown. */
  private static final LossScaling SCALING = new LossScaling(0x1p24, 1, 2, 2);

  @Test
  void six_iterations_and_six_more_equal_twelve() throws IOException {
    compare(Precision.FP32, null);
  }

  @Test
  void a_loss_scale_goes_on_too() throws IOException {
    List<List<Number>> iterations = compare(GoldenRunTest.FP16, SCALING).iterations;
    List<Double> scales = iterations.stream().map(one -> (Double) one.get(SCALE)).toList();
    assertThat(Set.copyOf(scales.subList(HALF, 2 * HALF))).hasSizeGreaterThan(1);
  }

  private Outcome compare(Precision precision, @Nullable LossScaling scaling) throws IOException {
    Outcome unbroken = run(null, null, null, precision, scaling);
    Path checkpoints = folder.resolve("checkpoints");
    Outcome first = run(checkpoints, null, HALF, precision, scaling);
    Outcome second = run(checkpoints, checkpoints, null, precision, scaling);

    assertThat(first.iterations).isEqualTo(unbroken.iterations.subList(0, HALF));
    assertThat(second.iterations).isEqualTo(unbroken.iterations.subList(HALF, 2 * HALF));
    assertThat(second.evaluations)
        .hasSize(3)
        .isEqualTo(unbroken.evaluations.subList(1, unbroken.evaluations.size()));
    assertThat(second.state).isEqualTo(unbroken.state);
    return unbroken;
  }

  private Outcome run(
      @Nullable Path save,
      @Nullable Path load,
      @Nullable Integer exitInterval,
      Precision precision,
      @Nullable LossScaling scaling)
      throws IOException {
    var options = new LlamaRun.Options(folder.resolve("cache"), save, load, exitInterval, HALF);
    try (LlamaRun run = new LlamaRun(GOLDEN, options, new TestDevice(), precision, scaling)) {
      run.run();
      return new Outcome(
          run.sink.iterations.stream().map(ResumeTest::withoutTime).toList(),
          run.sink.evaluations,
          run.state());
    }
  }

  private static List<Number> withoutTime(IterationMetrics metrics) {
    return Arrays.asList(
        metrics.position().iteration(),
        metrics.position().consumedSamples(),
        metrics.position().learningRate(),
        metrics.losses().lm(),
        metrics.losses().scale(),
        metrics.skipped().iterations(),
        metrics.norms().grad());
  }

  /**
   * @param state bits of weights and moments
   */
  private record Outcome(
      List<List<Number>> iterations,
      List<EvaluationMetrics> evaluations,
      Map<String, LongBuffer> state) {}
}
