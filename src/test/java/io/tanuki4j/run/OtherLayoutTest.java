package io.tanuki4j.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A run that goes on at another layout, from a checkpoint of several ranks. */
@Timeout(300)
class OtherLayoutTest {
  /** The same sums in another order, over six updates. */
  private static final double SUMMATION_ORDER = 1e-5;

  private static final int HALF = 6;
  private static final String SHAPE =
      "--num-layers 4 --hidden-size 64 --ffn-hidden-size 176 --num-attention-heads 8"
          + " --group-query-attention --num-query-groups 4 --global-batch-size 8";

  private static final String ONE = "--backend cpu";
  private static final String TP2_PP2_DP2 =
      local(8)
          + "--tensor-model-parallel-size 2 --pipeline-model-parallel-size 2"
          + " --sequence-parallel --use-distributed-optimizer";
  private static final String TP4_CP2 =
      local(8)
          + "--tensor-model-parallel-size 4 --context-parallel-size 2 --use-distributed-optimizer";
  private static final String PP4_DP2 = local(8) + "--pipeline-model-parallel-size 4";

  @TempDir Path folder;
  private boolean tied;

  private static String local(int ranks) {
    return "--distributed-backend local --local-ranks %d ".formatted(ranks);
  }

  private List<Double> losses(String... flags) {
    List<String> words = TinyLlama.words(SHAPE, folder.resolve("cache"), flags);
    words.removeIf(word -> tied && word.equals("--untie-embeddings-and-output-weights"));
    return TinyLlama.run(words).losses();
  }

  private void assertGoesOn(String saving, String... loading) {
    String checkpoints = folder.resolve(Integer.toHexString(saving.hashCode())).toString();
    List<Double> all = losses(saving);
    List<Double> first = losses(saving, "--save " + checkpoints, "--exit-interval " + HALF);
    assertThat(first).isEqualTo(all.subList(0, HALF));
    for (String flags : loading) {
      List<Double> second = losses(flags, "--load " + checkpoints);
      assertThat(second).as(flags).hasSize(HALF);
      for (int i = 0; i < HALF; i++) {
        assertThat(second.get(i))
            .as("%s, iteration %d", flags, HALF + i + 1)
            .isCloseTo(all.get(HALF + i), within(SUMMATION_ORDER));
      }
    }
  }

  @Test
  void losses_of_eight_ranks_go_on_on_one() {
    assertGoesOn(TP2_PP2_DP2, ONE);
  }

  /** Both ends of a pipeline have the embedding, and the replicas of each its optimizer state. */
  @Test
  void tied_embeddings_go_on_in_any_order_of_ranks() {
    tied = true;
    String stages = "--pipeline-model-parallel-size 2 --use-distributed-optimizer ";
    assertGoesOn(local(4) + stages + "--use-tp-pp-dp-mapping", ONE);
  }

  @Test
  @Tag("slow")
  void losses_of_eight_ranks_go_on_on_others() {
    assertGoesOn(TP2_PP2_DP2, TP4_CP2, PP4_DP2);
  }

  @Test
  @Tag("slow")
  void losses_go_on_wherever_they_come_from() {
    assertGoesOn(ONE, TP2_PP2_DP2);
    assertGoesOn(TP4_CP2, ONE, PP4_DP2);
  }
}
