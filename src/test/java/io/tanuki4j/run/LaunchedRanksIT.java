package io.tanuki4j.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.tanuki4j.cli.Failures;
import io.tanuki4j.cli.Program;
import io.tanuki4j.comm.socket.LoopbackRanks;
import io.tanuki4j.run.TinyLlama.Output;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Ranks as processes that exchange tensors over TCP, started by the launcher. */
@Timeout(600)
class LaunchedRanksIT {
  /** Sums over ranks are made in another order. */
  private static final double FP32 = 1e-4;

  private static final String LAYOUT = "--pipeline-model-parallel-size 2";

  /** Both ranks are whole models, with a part of the optimizer's state each. */
  private static final String SHARDED =
      "--use-distributed-optimizer --overlap-grad-reduce --overlap-param-gather";

  @TempDir Path folder;

  private List<String> words(int numRanks, String ofLaunch, String... more) {
    List<String> words = new ArrayList<>(List.of("launch", "--nproc-per-node", "" + numRanks));
    words.addAll(List.of(ofLaunch.strip().split(" +", -1)));
    words.addAll(List.of("--", "pretrain", "--distributed-backend", "gloo"));
    words.addAll(TinyLlama.words(TinyLlama.GOLDEN, folder.resolve("cache"), more));
    words.removeIf(String::isEmpty);
    return words;
  }

  private Output here(String... more) {
    return TinyLlama.run(TinyLlama.words(TinyLlama.GOLDEN, folder.resolve("cache"), more));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "2: --tensor-model-parallel-size 2 --sequence-parallel",
        "2: --pipeline-model-parallel-size 2",
        "2: --context-parallel-size 2",
        "2: " + SHARDED,
        "4: --tensor-model-parallel-size 2 --pipeline-model-parallel-size 2",
      })
  void processes_have_the_losses_of_one_rank(String layout) {
    String[] parts = layout.split(": ", 2);
    Program.Result result = Program.run(folder, words(Integer.parseInt(parts[0]), "", parts[1]));
    assertThat(result.exitCode()).as(result.output()).isZero();
    Output expected = here("--backend cpu");
    Output actual = new Output(result.output());
    assertClose(actual.losses(), expected.losses());
    assertClose(actual.evaluations(), expected.evaluations());
  }

  private static void assertClose(List<Double> actual, List<Double> expected) {
    assertThat(actual).hasSameSizeAs(expected).isNotEmpty();
    for (int i = 0; i < expected.size(); i++) {
      assertThat(actual.get(i)).as("loss " + i).isCloseTo(expected.get(i), within(FP32));
    }
  }

  /** A terminal and Slurm send their signal to all processes, and the launcher passes it on. */
  @ParameterizedTest
  @CsvSource({"INT, false", "INT, true", "TERM, true"})
  void a_signal_ends_all_ranks_after_the_same_iteration_and_the_run_goes_on_later(
      String signal, boolean toAll) throws Exception {
    assumeThat(signal.equals("TERM") || canBeInterrupted()).isTrue();
    String[] flags = {
      "--eval-iters 0 --train-iters 100000 " + LAYOUT,
      "--save " + folder.resolve("run") + " --load " + folder.resolve("run")
    };
    Program program = Program.start(folder, words(2, "", flags));
    program.awaitIteration(3);
    send(signal, program.process().toHandle(), toAll);
    Program.Result first = program.await();
    assertThat(first.exitCode()).as(first.output()).isZero();
    assertThat(first.output())
        .contains("[exiting program after receiving SIG%s.]".formatted(signal));
    int last = first.iterations().size();

    Program.Result second =
        Program.run(folder, words(2, "", flags[0], flags[1], "--exit-interval 1"));
    assertThat(second.exitCode()).as(second.output()).isZero();
    assertThat(second.iterations().get(0)).contains("iteration %8d/".formatted(last + 1));
  }

  /** As on two machines, where somebody has changed a script on one of them only. */
  @Test
  void machines_with_different_flags_end_with_a_sentence_that_names_them() {
    String ofLaunch =
        "--nnodes 2 --master-addr 127.0.0.1 --master-port %d --node-rank "
            .formatted(LoopbackRanks.freePort());
    Program first = Program.start(folder, words(1, ofLaunch + 0, LAYOUT, "--seed 1"));
    Program second = Program.start(folder, words(1, ofLaunch + 1, LAYOUT, "--seed 2 --lr 0.5"));
    for (Program program : List.of(first, second)) {
      Program.Result result = program.await();
      assertThat(result.exitCode()).as(result.output()).isEqualTo(Failures.OTHER_RANK_FAILED);
      assertThat(result.output())
          .containsPattern(
              "\\[rank [01]\\] tanuki4j pretrain: rank 1 has --lr 0.5, --seed 2 \\(expected: --lr .*,"
                  + " --seed 1, as rank 0\\)\\. Start all ranks with the same flags\\.");
    }
  }

  private static void send(String signal, ProcessHandle launcher, boolean toAll)
      throws IOException, InterruptedException {
    Stream<ProcessHandle> ranks = toAll ? launcher.children() : Stream.of();
    String processes =
        Stream.concat(ranks, Stream.of(launcher))
            .map(process -> "" + process.pid())
            .collect(Collectors.joining(" "));
    new ProcessBuilder("sh", "-c", "kill -%s %s".formatted(signal, processes)).start().waitFor();
  }

  /** Not if this was started in the background, where shells have SIGINT ignored. */
  private static boolean canBeInterrupted() throws IOException, InterruptedException {
    String script = "trap 'exit 7' INT; kill -INT $$; exit 0";
    return new ProcessBuilder("sh", "-c", script).start().waitFor() == 7;
  }

  @Test
  void a_rank_that_dies_ends_the_run_with_its_name() throws Exception {
    Program program =
        Program.start(
            folder, words(2, "", "--pipeline-model-parallel-size 2 --train-iters 100000"));
    program.awaitIteration(2);
    ProcessHandle dead = program.process().children().findFirst().orElseThrow();
    dead.destroyForcibly();
    Program.Result result = program.await();
    assertThat(result.exitCode()).isEqualTo(137);
    assertThat(result.output())
        .containsPattern(
            "tanuki4j launch: rank [01] \\(process %d\\) has ended with exit code 137, by signal 9"
                .formatted(dead.pid()))
        .containsPattern("\\[rank [01]\\] tanuki4j pretrain: rank [01] ")
        .doesNotContain("fault of the program");
  }

  @Test
  void a_run_comes_to_its_end_through_a_kill() throws Exception {
    killed(1, SHARDED);
  }

  @ParameterizedTest
  @ValueSource(strings = {LAYOUT, SHARDED})
  @Tag("slow")
  void a_run_comes_to_its_end_through_twenty_kills(String layout) throws Exception {
    killed(20, layout);
  }

  /** Kills a random rank at random moments; saves after each iteration. */
  private void killed(int numKills, String layout) throws Exception {
    String flags = layout + " --eval-iters 0 --train-iters " + (12 + 4 * numKills);
    String checkpoints =
        "--save-interval 1 --save %s --load %s"
            .formatted(folder.resolve("run"), folder.resolve("run"));
    Program program =
        Program.start(folder, words(2, "--max-restarts " + numKills, flags, checkpoints));
    Random random = new Random(numKills);
    for (int kill = 1; kill <= numKills; kill++) {
      program.awaitIteration(1 + kill * 4);
      Thread.sleep(random.nextInt(100));
      List<ProcessHandle> ranks = program.process().children().toList();
      if (!ranks.isEmpty()) {
        ranks.get(random.nextInt(ranks.size())).destroyForcibly();
      }
    }
    Program.Result result = program.await();
    assertThat(result.exitCode()).as(result.output()).isZero();
    assertThat(result.output()).contains("restart %d of %d".formatted(numKills, numKills));
    assertThat(byIteration(new Output(result.output())))
        .isEqualTo(byIteration(here(flags, "--distributed-backend local --local-ranks 2")));
  }

  /** The line of each iteration; lines that come again after a restart are the same. */
  private static Map<String, String> byIteration(Output output) {
    Map<String, String> lines = new LinkedHashMap<>();
    output.iterations().stream()
        .sorted(Comparator.comparing(line -> line.substring(0, line.indexOf('/'))))
        .forEach(
            line -> {
              String before = lines.put(line.substring(0, line.indexOf('/')), line);
              assertThat(before).isIn(null, line);
            });
    return lines;
  }
}
