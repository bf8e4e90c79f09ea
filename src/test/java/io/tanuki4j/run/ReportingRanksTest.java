package io.tanuki4j.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.metrics.RunLog;
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
    ReportingRanks ranks = ReportingRanks.of(GRID, rank);
    RunLog log = ranks.log(heard::add);
    log.message("setup");
    log.ofPart("parameters");
    if (ranks.reports()) {
      heard.add("metrics");
    }
    return heard;
  }

  @Test
  void the_first_rank_tells_the_last_one_reports_and_one_of_each_part_says_its_size() {
    assertThat(heardOf(0)).containsExactly("setup", "parameters");
    assertThat(heardOf(1)).isEmpty();
    assertThat(heardOf(2)).containsExactly("parameters");
    assertThat(heardOf(3)).containsExactly("metrics");
  }
}
