package io.tanuki4j.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.cli.Program;
import io.tanuki4j.run.TinyLlama.Output;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Ranks as processes that share one GPU and exchange tensors over NCCL, in bf16. */
@Tag("gpu")
@Timeout(300)
class NcclTrainingTest {
  /** Of losses near 6: parts of sums are rounded to bf16 at other places. */
  private static final double NOISE = 0.02;

  private static final String SHARDED =
      "--use-distributed-optimizer --overlap-grad-reduce --overlap-param-gather"
          + " --ddp-bucket-size 9000";

  @TempDir Path folder;

  private List<String> launched(int numRanks, String ofLaunch, String... more) {
    List<String> words = new ArrayList<>(List.of("launch", "--nproc-per-node", "" + numRanks));
    words.addAll(List.of("--ranks-per-gpu", "" + numRanks));
    words.addAll(List.of(ofLaunch.strip().split(" +", -1)));
    words.addAll(List.of("--", "pretrain", "--distributed-backend", "nccl", "--bf16"));
    words.addAll(TinyLlama.words(TinyLlama.GOLDEN, folder.resolve("cache"), more));
    words.removeIf(String::isEmpty);
    return words;
  }

  private Output alone(String... more) {
    List<String> words = TinyLlama.words(TinyLlama.GOLDEN, folder.resolve("cache"), more);
    words.addAll(List.of("--backend", "cuda", "--bf16"));
    return TinyLlama.run(words);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "2: --tensor-model-parallel-size 2",
        "2: --tensor-model-parallel-size 2 --sequence-parallel",
        "2: --tensor-model-parallel-size 2 --sequence-parallel --tp-comm-overlap",
        "4: --tensor-model-parallel-size 2 --pipeline-model-parallel-size 2 --sequence-parallel"
            + " --tp-comm-overlap",
        "2: --pipeline-model-parallel-size 2",
        "2: --context-parallel-size 2",
        "2: --context-parallel-size 2 --cp-comm-type all_gather",
        "2: " + SHARDED,
        "4: --tensor-model-parallel-size 2 --pipeline-model-parallel-size 2",
        "4: --tensor-model-parallel-size 2 --sequence-parallel " + SHARDED,
      })
  void processes_have_the_losses_of_one_rank(String layout) {
    String[] parts = layout.split(": ", 2);
    Program.Result result = Program.run(folder, launched(Integer.parseInt(parts[0]), "", parts[1]));
    assertThat(result.exitCode()).as(result.output()).isZero();
    assertClose(new Output(result.output()).losses(), alone().losses());
  }

  /** One rank has a row more than the other, and neither keeps rows of logits aligned. */
  @Test
  void processes_share_an_odd_vocabulary() {
    Program.Result result =
        Program.run(
            folder,
            launched(2, "", "--tensor-model-parallel-size 2", TinyLlama.ODD_VOCABULARY, SHARDED));
    assertThat(result.exitCode()).as(result.output()).isZero();
    assertClose(new Output(result.output()).losses(), alone(TinyLlama.ODD_VOCABULARY).losses());
  }

  /** Shards are gathered in eight bits, and scales follow from the magnitudes of all ranks. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "--tensor-model-parallel-size 2 --sequence-parallel",
        "--tensor-model-parallel-size 2 --sequence-parallel --tp-comm-overlap",
        "--pipeline-model-parallel-size 2",
        "--context-parallel-size 2",
        SHARDED,
      })
  void processes_multiply_numbers_of_eight_bits(String layout) {
    String fp8 = "--fp8-format hybrid --fp8-amax-history-len 4 --ffn-hidden-size 128";
    Program.Result result = Program.run(folder, launched(2, "", layout, fp8));
    assertThat(result.exitCode()).as(result.output()).isZero();
    assertClose(new Output(result.output()).losses(), alone(fp8).losses());
  }

  @ParameterizedTest
  @ValueSource(strings = {"delayed", "tensorwise"})
  void processes_gather_weights_of_eight_bits(String recipe) {
    String fp8 = "--fp8-format hybrid --ffn-hidden-size 128 --fp8-recipe " + recipe;
    Program.Result result =
        Program.run(folder, launched(2, "", SHARDED, fp8, "--fp8-param-gather"));
    assertThat(result.exitCode()).as(result.output()).isZero();
    assertClose(new Output(result.output()).losses(), alone(fp8).losses());
  }

  private static void assertClose(List<Double> actual, List<Double> expected) {
    assertThat(actual).hasSameSizeAs(expected).isNotEmpty();
    for (int i = 0; i < expected.size(); i++) {
      assertThat(actual.get(i)).as("loss " + i).isCloseTo(expected.get(i), within(NOISE));
    }
  }

  @Test
  void a_checkpoint_of_two_ranks_goes_on_as_one_rank_and_as_a_pipeline() {
    String flags = "--eval-iters 0 --save-interval 6 --save " + folder.resolve("run");
    Program.Result first =
        Program.run(folder, launched(2, "", flags, SHARDED, "--exit-interval 6"));
    assertThat(first.exitCode()).as(first.output()).isZero();
    String load = "--eval-iters 0 --load " + folder.resolve("run");
    Program.Result second =
        Program.run(folder, launched(2, "", load, "--pipeline-model-parallel-size 2"));
    assertThat(second.exitCode()).as(second.output()).isZero();
    List<Double> expected = alone(load).losses();
    assertThat(expected).hasSize(6);
    assertClose(new Output(second.output()).losses(), expected);
  }

  @Test
  void a_rank_that_is_killed_ends_the_others_and_the_run_starts_again() throws Exception {
    String flags = "--eval-iters 0 --train-iters 40 --save-interval 1";
    String checkpoints =
        "--save %s --load %s".formatted(folder.resolve("run"), folder.resolve("run"));
    Program program =
        Program.start(folder, launched(2, "--max-restarts 1", flags, checkpoints, SHARDED));
    program.awaitIteration(5);
    long killed = System.nanoTime();
    program.process().children().findFirst().orElseThrow().destroyForcibly();
    while (!program.output().contains("restart 1 of 1") && program.process().isAlive()) {
      Thread.sleep(20);
    }
    assertThat(Duration.ofNanos(System.nanoTime() - killed)).isLessThan(Duration.ofSeconds(30));
    Program.Result result = program.await();
    assertThat(result.exitCode()).as(result.output()).isZero();
    assertThat(result.output()).contains("is gone").contains("iteration       40/");
  }
}
