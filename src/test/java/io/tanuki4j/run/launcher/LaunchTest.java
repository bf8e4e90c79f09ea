package io.tanuki4j.run.launcher;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.tanuki4j.run.launcher.LaunchSpec.Master;
import io.tanuki4j.run.launcher.LaunchSpec.Ranks;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Ranks are shell scripts here. */
@Timeout(30)
class LaunchTest {
  private static final int CONSEQUENCE = 3;

  @TempDir Path folder;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private final List<String> said = Collections.synchronizedList(new ArrayList<>());

  private Launch launch(LaunchSpec plan) {
    return new Launch(
        plan, new PrintStream(out, true, UTF_8), new PrintStream(err, true, UTF_8), said::add);
  }

  private static LaunchSpec plan(int numRanks, int maxRestarts, EndRules rules, String script) {
    return new LaunchSpec(
        new Ranks(numRanks, 1, 1, 0),
        new Master("127.0.0.1", 0, "token"),
        maxRestarts,
        rules,
        List.of("sh", "-c", script));
  }

  private static EndRules rules(long noticeMillis, long lastWordsMillis) {
    return new EndRules(
        CONSEQUENCE, Duration.ofMillis(noticeMillis), Duration.ofMillis(lastWordsMillis));
  }

  private int run(int numRanks, String script) {
    return launch(plan(numRanks, 0, rules(300, 1000), script)).run();
  }

  private List<String> out() {
    return out.toString(UTF_8).lines().sorted().toList();
  }

  /** The launcher's lines, with stars for the numbers of processes. */
  private List<String> said() {
    return said.stream().map(line -> line.replaceAll("process \\d+", "process *")).toList();
  }

  @Test
  void every_rank_gets_torchruns_environment_and_its_lines_its_number() {
    int code =
        run(2, "echo $RANK/$WORLD_SIZE $LOCAL_RANK/$LOCAL_WORLD_SIZE $MASTER_ADDR; echo oh >&2");
    assertThat(code).isZero();
    assertThat(out()).containsExactly("[rank 0] 0/2 0/2 127.0.0.1", "[rank 1] 1/2 1/2 127.0.0.1");
    assertThat(err.toString(UTF_8)).contains("[rank 0] oh\n", "[rank 1] oh\n");
    assertThat(said).isEmpty();
  }

  @Test
  void ranks_of_one_start_share_a_port_and_a_token() {
    run(3, "echo $MASTER_PORT $TANUKI4J_RUN_TOKEN");
    assertThat(out().stream().map(line -> line.replaceAll("\\[rank .\\] ", "")).distinct())
        .hasSize(1)
        .first()
        .asString()
        .matches("\\d+ token\\.0");
  }

  @Test
  void a_later_machine_has_the_later_ranks() {
    LaunchSpec plan =
        new LaunchSpec(
            new Ranks(2, 1, 3, 1),
            new Master("node0", 1234, "t"),
            0,
            rules(1, 2),
            List.of("sh", "-c", "echo $RANK/$WORLD_SIZE $MASTER_ADDR:$MASTER_PORT $GROUP_RANK"));
    assertThat(launch(plan).run()).isZero();
    assertThat(out()).containsExactly("[rank 2] 2/6 node0:1234 1", "[rank 3] 3/6 node0:1234 1");
  }

  @Test
  void a_rank_that_fails_is_named_with_its_last_lines_and_ends_the_others() {
    int code =
        run(
            3,
            "if [ $RANK = 1 ]; then for i in 1 2 3 4 5 6 7 8 9 10 11; do echo line $i; done; exit 7;"
                + " fi; exec sleep 20");
    assertThat(code).isEqualTo(7);
    assertThat(said().get(0))
        .startsWith("rank 1 (process *) has ended with exit code 7. Its last lines:\n  line 2\n")
        .endsWith("\n  line 11");
    assertThat(said().get(1)).isEqualTo("ending ranks [0, 2]");
  }

  @Test
  void a_rank_that_is_killed_is_named_with_the_signal() {
    assertThat(run(2, "if [ $RANK = 0 ]; then kill -9 $$; fi; exec sleep 20")).isEqualTo(137);
    assertThat(said().get(0))
        .isEqualTo(
            "rank 0 (process *) has ended with exit code 137, by signal 9 and said nothing.");
  }

  @Test
  void a_rank_that_does_not_heed_sigterm_is_killed() {
    long start = System.nanoTime();
    int code = run(2, "if [ $RANK = 0 ]; then sleep 0.2; exit 5; fi; trap '' TERM; exec sleep 20");
    assertThat(code).isEqualTo(5);
    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .isBetween(Duration.ofMillis(900), Duration.ofSeconds(10));
  }

  @Test
  void the_rank_that_failed_first_is_named_not_one_that_heard_of_it() {
    int code =
        launch(
                plan(
                    3,
                    0,
                    rules(5000, 9000),
                    "if [ $RANK = 1 ]; then sleep 0.5; exit 9; fi; exit " + CONSEQUENCE))
            .run();
    assertThat(code).isEqualTo(9);
    assertThat(said().get(0)).startsWith("rank 1 (process *) has ended with exit code 9");
    assertThat(said()).hasSize(1);
  }

  @Test
  void ranks_that_all_only_heard_of_a_failure_are_a_failure() {
    assertThat(run(2, "exit " + CONSEQUENCE)).isEqualTo(CONSEQUENCE);
    assertThat(said().get(0)).contains("has ended with exit code 3");
  }

  @Test
  void starts_again_with_another_token_until_it_succeeds() {
    String script =
        "echo $TANUKI4J_RUN_TOKEN; if [ -e FOLDER/$RANK.2 ]; then exit 0; fi;"
            + " if [ -e FOLDER/$RANK.1 ]; then touch FOLDER/$RANK.2; else touch FOLDER/$RANK.1; fi;"
            + " exit 4";
    int code =
        launch(plan(1, 5, rules(100, 200), script.replace("FOLDER", folder.toString()))).run();
    assertThat(code).isZero();
    assertThat(out()).containsExactly("[rank 0] token.0", "[rank 0] token.1", "[rank 0] token.2");
    assertThat(said()).contains("restart 1 of 5", "restart 2 of 5").hasSize(4);
  }

  @Test
  void gives_up_after_the_last_restart() {
    assertThat(launch(plan(2, 2, rules(100, 200), "exit 4")).run()).isEqualTo(4);
    assertThat(said()).contains("restart 1 of 2", "restart 2 of 2").hasSize(5);
  }

  private FutureTask<Integer> start(Launch launch) {
    FutureTask<Integer> code = new FutureTask<>(launch::run);
    new Thread(code).start();
    return code;
  }

  private void awaitOutput(String text) throws InterruptedException {
    while (!out.toString(UTF_8).contains(text)) {
      Thread.sleep(5);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"TERM", "INT"})
  void a_signal_reaches_the_ranks_as_it_is_and_nothing_starts_again(String signal)
      throws Exception {
    assumeThat(canBeTrapped(signal)).isTrue();
    Launch launch =
        launch(
            plan(
                2,
                3,
                rules(5000, 9000),
                "trap 'echo saved; exit 4' SIGNAL; echo ready $RANK; sleep 20 >&- 2>&- & wait"
                    .replace("SIGNAL", signal)));
    FutureTask<Integer> code = start(launch);
    awaitOutput("ready 0");
    awaitOutput("ready 1");
    launch.request(signal);
    assertThat(code.get()).isEqualTo(4);
    assertThat(out()).contains("[rank 0] saved", "[rank 1] saved");
    assertThat(said())
        .startsWith("forwarded SIG%s to the ranks; send it again to kill them".formatted(signal))
        .noneMatch(line -> line.startsWith("restart"));
  }

  /** A program that was started in the background may have to ignore SIGINT, with all it starts. */
  private static boolean canBeTrapped(String signal) throws IOException, InterruptedException {
    String script = "trap 'exit 7' %s; kill -%s $$; exit 0".formatted(signal, signal);
    return new ProcessBuilder("sh", "-c", script).start().waitFor() == 7;
  }

  @Test
  void a_second_wish_ends_the_ranks_at_once() throws Exception {
    Launch launch =
        launch(
            plan(
                1,
                0,
                rules(5000, 9000),
                "trap 'echo heard' TERM; echo ready; while :; do sleep 1; done"));
    FutureTask<Integer> code = start(launch);
    awaitOutput("ready");
    launch.request("TERM");
    launch.request("TERM");
    assertThat(code.get()).isEqualTo(137);
  }

  @Test
  void a_program_that_cannot_be_started_is_a_failure() {
    LaunchSpec plan =
        new LaunchSpec(
            new Ranks(2, 1, 1, 0),
            new Master("a", 0, "t"),
            0,
            rules(1, 2),
            List.of("/no/such/program"));
    assertThatThrownBy(() -> launch(plan).run())
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageStartingWith("cannot start the ranks: Cannot run program \"/no/such/program\"");
  }

  @Test
  void ranks_that_share_a_gpu_have_its_number_and_machines_of_their_own() {
    LaunchSpec plan =
        new LaunchSpec(
            new Ranks(4, 2, 1, 0), new Master("a", 0, "t"), 0, rules(1, 2), List.of("program"));
    assertThat(plan.environment(1, 0, 1))
        .containsEntry("LOCAL_RANK", "0")
        .containsEntry("TANUKI4J_RANKS_PER_GPU", "2")
        .containsEntry("NCCL_HOSTID", "rank-1");
    assertThat(plan.environment(2, 0, 1))
        .containsEntry("LOCAL_RANK", "1")
        .containsEntry("NCCL_HOSTID", "rank-2");
  }
}
