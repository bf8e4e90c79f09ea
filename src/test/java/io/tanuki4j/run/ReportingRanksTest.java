package io.tanuki4j.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.metrics.EvaluationMetrics;
import io.tanuki4j.metrics.IterationMetrics;
import io.tanuki4j.metrics.MetricsSink;
import io.tanuki4j.parallel.ParallelDims;
import io.tanuki4j.parallel.RankGrid;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ReportingRanksTest {
  /** Rank 1 has other samples than rank 0, ranks 2 and 3 the second stage. */
  private static final RankGrid GRID = new RankGrid(ParallelDims.of(1, 1, 2, 2));

  private static List<String> heardOf(int rank) {
    List<String> heard = new ArrayList<>();
    MetricsSink sink =
        new MetricsSink() {
          @Override
          public void iteration(IterationMetrics metrics) {
            heard.add("iteration " + metrics.iteration());
          }

          @Override
          public void evaluation(EvaluationMetrics metrics) {
            heard.add("evaluation");
          }

          @Override
          public void message(String line) {
            heard.add(line);
          }

          @Override
          public void close() {}
        };
    MetricsSink console = new ReportingRanks(sink, GRID, rank);
    console.message("setup");
    console.ofPart("parameters");
    console.iteration(
        new IterationMetrics(7, 9, 0, 0, null, 0, 0, 0, null, 1, 0, null, null, 0, 0));
    console.evaluation(new EvaluationMetrics("iteration 7", 7, 1));
    return heard;
  }

  @Test
  void the_first_rank_tells_the_last_one_reports_and_one_of_each_part_says_its_size() {
    assertThat(heardOf(0)).containsExactly("setup", "parameters");
    assertThat(heardOf(1)).isEmpty();
    assertThat(heardOf(2)).containsExactly("parameters");
    assertThat(heardOf(3)).containsExactly("iteration 7", "evaluation");
  }
}
