package io.tanuki4j.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.metrics.EvaluationMetrics;
import io.tanuki4j.metrics.IterationMetrics;
import io.tanuki4j.model.GoldenRun;
import java.io.IOException;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run that stops and goes on with new objects equals the unbroken one bit by bit. */
class ResumeTest {
  private static final GoldenRun GOLDEN = GoldenRun.of("llama-tiny");
  private static final int HALF = 6;

  @TempDir Path folder;

  @Test
  void six_iterations_and_six_more_equal_twelve() throws IOException {
    Outcome unbroken = run(null, null, null);
    Path checkpoints = folder.resolve("checkpoints");
    Outcome first = run(checkpoints, null, HALF);
    Outcome second = run(checkpoints, checkpoints, null);

    assertThat(first.iterations).isEqualTo(unbroken.iterations.subList(0, HALF));
    assertThat(second.iterations).isEqualTo(unbroken.iterations.subList(HALF, 2 * HALF));
    assertThat(second.evaluations)
        .hasSize(3)
        .isEqualTo(unbroken.evaluations.subList(1, unbroken.evaluations.size()));
    assertThat(second.state).isEqualTo(unbroken.state);
  }

  private Outcome run(@Nullable Path save, @Nullable Path load, @Nullable Integer exitInterval)
      throws IOException {
    var options = new LlamaRun.Options(folder.resolve("cache"), save, load, exitInterval, HALF);
    try (LlamaRun run = new LlamaRun(GOLDEN, options)) {
      run.run();
      return new Outcome(
          run.sink.iterations.stream().map(ResumeTest::withoutTime).toList(),
          run.sink.evaluations,
          run.state());
    }
  }

  private static List<Number> withoutTime(IterationMetrics metrics) {
    return List.of(
        metrics.position().iteration(),
        metrics.position().consumedSamples(),
        metrics.position().learningRate(),
        metrics.losses().lm(),
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
