package io.tanuki4j.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.tanuki4j.cli.Main;
import io.tanuki4j.error.UserException;
import io.tanuki4j.run.TinyLlama.Output;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** Ranks as threads of one JVM: the whole command, wired for each of them. */
@Timeout(120)
class LocalRanksTest {
  private static final String LOCAL = "--distributed-backend local";

  /** Sums over ranks are made in another order. */
  private static final double FP32 = 1e-5;

  @TempDir Path folder;

  private Output run(String... more) {
    return TinyLlama.run(TinyLlama.words(TinyLlama.GOLDEN, folder.resolve("cache"), more));
  }

  @Test
  void two_stages_have_the_losses_of_one_and_each_rank_says_its_part() {
    Output alone = run("--backend cpu");
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
    assertThat(run("--backend cpu --train-iters 2").text()).doesNotContain("across ranks");
  }

  @Test
  void a_checkpoint_is_evaluated_at_any_layout() {
    Path saved = folder.resolve("saved");
    Path cache = folder.resolve("cache");
    run(LOCAL, "--tensor-model-parallel-size 2 --train-iters 4 --save " + saved);
    String load = "--load " + saved;
    List<Double> alone =
        TinyLlama.evaluate(TinyLlama.words(TinyLlama.GOLDEN, cache, load, "--backend cpu"))
            .evaluations();
    List<Double> ranks =
        TinyLlama.evaluate(
                TinyLlama.words(
                    TinyLlama.GOLDEN,
                    cache,
                    load,
                    LOCAL,
                    "--local-ranks 4 --pipeline-model-parallel-size 2"))
            .evaluations();
    assertThat(ranks).hasSize(2);
    for (int i = 0; i < ranks.size(); i++) {
      assertThat(ranks.get(i)).isCloseTo(alone.get(i), within(FP32));
    }
  }

  @Test
  void a_benchmark_of_several_ranks_prints_one_report() {
    String flags =
        "--distributed-backend local --local-ranks 4 --pipeline-model-parallel-size 2"
            + " --bench-iterations 2 --bench-warmup 2 --padded-vocab-size 512";
    StringWriter out = new StringWriter();
    CommandLine commandLine = Main.commandLine().setOut(new PrintWriter(out));
    List<String> words = new ArrayList<>(List.of("bench"));
    words.addAll(TinyLlama.words(TinyLlama.GOLDEN, folder.resolve("cache"), flags));
    assertThat(Main.run(commandLine, words.toArray(String[]::new))).isZero();
    assertThat(out.toString().strip().lines()).hasSize(1);
    JsonObject report = JsonParser.parseString(out.toString()).getAsJsonObject();
    assertThat(report.getAsJsonObject("run").get("world_size").getAsInt()).isEqualTo(4);
    assertThat(report.getAsJsonObject("run").get("data_parallel_size").getAsInt()).isEqualTo(2);
    assertThat(report.get("loss").getAsDouble()).isBetween(0.1, Math.log(512));
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
        .isInstanceOf(UserException.class)
        .hasMessageStartingWith("--load: " + folder + " (expected: a folder with ");
  }
}
