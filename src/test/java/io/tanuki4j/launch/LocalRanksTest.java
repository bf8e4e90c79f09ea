package io.tanuki4j.launch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.launch.TinyLlama.Output;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Ranks as threads of one JVM: the whole command, wired for each of them. */
@Timeout(120)
class LocalRanksTest {
  private static final String LOCAL = "--distributed-backend local";

  @TempDir Path folder;

  private Output run(String... more) {
    return TinyLlama.run(TinyLlama.words(TinyLlama.GOLDEN, folder.resolve("cache"), more));
  }

  @Test
  void two_stages_have_the_losses_of_one_and_each_rank_says_its_part() {
    Output alone = run("--backend nd4j");
    Output stages = run(LOCAL, "--pipeline-model-parallel-size 2");
    assertThat(stages.iterations()).hasSize(12).isEqualTo(alone.iterations());
    assertThat(stages.evaluations()).hasSize(4).isEqualTo(alone.evaluations());
    assertThat(stages.text())
        .containsOnlyOnce("using world size: 2,")
        .containsOnlyOnce("training ...")
        .contains("model parallel rank (0, 0): ", "model parallel rank (0, 1): ")
        .contains("[Rank 0] (after 1 iterations)", "[Rank 1] (after 1 iterations)");
  }

  @Test
  void timers_say_what_parts_take_and_how_long_ranks_wait() {
    Output output =
        run(
            LOCAL,
            "--local-ranks 4 --pipeline-model-parallel-size 2 --train-iters 4 --log-interval 2",
            "--timing-log-level 2");
    assertThat(output.text())
        .contains("(min, max) time across ranks (ms):\n    forward-backward ....")
        .containsPattern("    optimizer \\.+: \\([0-9.]+, [0-9.]+\\)\n")
        .containsPattern("    exposed-communication \\.+: \\([0-9.]+, [0-9.]+\\)\n")
        .contains("    exposed-communication-pp ....", "    exposed-communication-dp_cp ....");
    assertThat(output.text().split("time across ranks", -1)).hasSize(1 + 2);
    assertThat(run("--backend nd4j --train-iters 2").text()).doesNotContain("across ranks");
  }

  @Test
  void what_one_rank_cannot_do_is_said_once_and_ends_all() {
    assertThatThrownBy(
            () ->
                run(
                    LOCAL,
                    "--pipeline-model-parallel-size 2",
                    "--load " + folder,
                    "--exit-on-missing-checkpoint"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("load: " + folder + " (expected: a folder with ");
  }
}
