package io.tanuki4j.launch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A run that goes on at another layout, from a checkpoint of several ranks. */
@Timeout(300)
class OtherLayoutTest {
  /** The same sums in another order, over six updates. */
  private static final double SUMMATION_ORDER = 1e-5;

  private static final int HALF = 6;
  private static final String SHAPE =
      "--num-layers 4 --hidden-size 64 --ffn-hidden-size 176 --num-attention-heads 8"
          + " --group-query-attention --num-query-groups 4 --global-batch-size 8 --clip-grad 0";
  private static final String RANKS = "--distributed-backend local ";

  @TempDir Path folder;

  private List<Double> losses(String... flags) {
    return TinyLlama.run(TinyLlama.words(SHAPE, folder.resolve("cache"), flags)).losses();
  }

  @ParameterizedTest
  @CsvSource({
    "--tensor-model-parallel-size 2 --pipeline-model-parallel-size 2, --backend nd4j",
    "--tensor-model-parallel-size 2 --pipeline-model-parallel-size 2,"
        + " --distributed-backend local --tensor-model-parallel-size 4",
    "--tensor-model-parallel-size 4, --distributed-backend local --pipeline-model-parallel-size 4",
  })
  void losses_go_on_as_at_the_layout_that_saved(String saving, String loading) {
    String checkpoints = folder.resolve("checkpoints").toString();
    List<Double> all = losses(RANKS + saving);
    List<Double> first = losses(RANKS + saving, "--save " + checkpoints, "--exit-interval " + HALF);
    assertThat(first).isEqualTo(all.subList(0, HALF));
    List<Double> second = losses(loading, "--load " + checkpoints);
    assertThat(second).hasSize(HALF);
    for (int i = 0; i < HALF; i++) {
      assertThat(second.get(i)).isCloseTo(all.get(HALF + i), within(SUMMATION_ORDER));
    }
  }
}
