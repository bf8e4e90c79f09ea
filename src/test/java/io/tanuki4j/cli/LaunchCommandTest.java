package io.tanuki4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.run.launcher.LauncherWatch;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

@Timeout(60)
class LaunchCommandTest {
  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "launch -- pretrain | --nproc-per-node: not given (expected: an integer). Add it, for example"
            + " --nproc-per-node 4.",
        "launch --nproc-per-node 0 -- pretrain | --nproc-per-node: 0 (expected: more than 0). Write 1"
            + " or more.",
        "launch --nproc-per-node 1 --nnodes 2 -- pretrain | --master-addr: not given (expected: name or"
            + " address of machine 0). Add it on every machine.",
        "launch --nproc-per-node 1 --node-rank 1 -- pretrain | --node-rank: 1 (expected: 0 to 0, one"
            + " less than --nnodes). Give every machine its own.",
        "launch --nproc-per-node 1 --master-port 70000 -- pretrain | --master-port: 70000 (expected: 1"
            + " to 65535). Choose a free port.",
        "launch --nproc-per-node 1 --max-restarts -1 -- pretrain | --max-restarts: -1 (expected: 0 or"
            + " more). Write 0 for none.",
      })
  void refuses_what_cannot_be_launched(String words, String sentence) {
    assertThat(failure(words)).isEqualTo("tanuki4j launch: " + sentence);
  }

  @Test
  void refuses_what_is_no_command_of_the_program() {
    assertThat(failure("launch --nproc-per-node 1 -- train"))
        .startsWith("tanuki4j launch: COMMAND: train (expected: one of pretrain, ")
        .doesNotContain("launch,")
        .endsWith("Write -- and the command after the flags of launch.");
    assertThat(failure("launch --nproc-per-node 1"))
        .startsWith("tanuki4j launch: COMMAND: not given");
  }

  /** Two ranks of a pretrain that is right, with more words. */
  private String launched(String ofLaunch, String command, String more) throws IOException {
    List<String> flags =
        new CommandLines(folder).split(CommandLines.SMALLEST + " --distributed-backend gloo");
    return "launch %s -- %s %s %s".formatted(ofLaunch, command, String.join(" ", flags), more);
  }

  @Test
  void says_once_what_is_wrong_with_the_flags_of_the_ranks_and_starts_none() throws IOException {
    assertThat(failure(launched("--nproc-per-node 4", "pretrain", "--lr fast --num-layer 2")))
        .isEqualTo(
            """
            tanuki4j pretrain: 2 problems
              --lr: fast (expected: a number). Write it like 0.1 or 1e-4.
              --num-layer: 2 (expected: a flag of tanuki4j pretrain). Did you mean --num-layers?""");
    assertThat(failure(launched("--nproc-per-node 4", "bench", "--bench-iterations 0")))
        .isEqualTo(
            "tanuki4j bench: --bench-iterations: 0 (expected: more than 0). Write 1 or more.");
    assertThat(failure("launch --nproc-per-node 2 -- inspect --pices x"))
        .isEqualTo(
            "tanuki4j inspect: --pices: unknown (expected: a flag of tanuki4j inspect). Did you"
                + " mean --pieces?");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--nproc-per-node 6",
        "--nproc-per-node 3 --nnodes 2 --node-rank 1 --master-addr node0"
      })
  void checks_the_flags_for_as_many_ranks_as_there_will_be(String ofLaunch) throws IOException {
    assertThat(failure(launched(ofLaunch, "pretrain", "--tensor-model-parallel-size 4")))
        .startsWith("tanuki4j pretrain: ")
        .contains("6");
  }

  @Test
  void shows_the_help_of_the_command_once() {
    StringWriter out = new StringWriter();
    CommandLine commandLine = Main.commandLine().setOut(new PrintWriter(out));
    String words = "launch --nproc-per-node 4 -- pretrain --help";
    assertThat(Main.run(commandLine, words.split(" ", -1))).isZero();
    assertThat(out.toString()).containsOnlyOnce("Usage: tanuki4j pretrain");
  }

  private static String failure(String words) {
    StringWriter err = new StringWriter();
    CommandLine commandLine = Main.commandLine().setErr(new PrintWriter(err));
    assertThat(Main.run(commandLine, words.split(" ", -1))).isEqualTo(2);
    return err.toString().strip();
  }

  @Test
  void runs_this_program_as_several_ranks() {
    Program.Result result =
        Program.run(
            folder, List.of("launch", "--nproc-per-node", "2", "inspect", "/no/such/folder"));
    assertThat(result.exitCode()).isNotZero();
    assertThat(result.output())
        .contains("[rank 0] tanuki4j inspect: ", "[rank 1] tanuki4j inspect: ")
        .containsPattern(
            "tanuki4j launch: rank [01] \\(process \\d+\\) has ended with exit code 1\\. Its"
                + " last lines:\n(  .*\n)*  tanuki4j inspect: /no");
  }

  /** What stays when a launcher was killed. */
  static final class WatchedProgram {
    private WatchedProgram() {}

    public static void main(String[] words) throws InterruptedException {
      LauncherWatch.start();
      System.out.println("ready");
      TimeUnit.MINUTES.sleep(1);
    }
  }

  @Test
  void a_rank_ends_with_its_launcher() throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(
        List.of("-cp", System.getProperty("java.class.path"), WatchedProgram.class.getName()));
    Process process = new ProcessBuilder(command).start();
    try {
      assertThat(process.inputReader().readLine()).isEqualTo("ready");
      process.getOutputStream().close();
      assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).isEqualTo(1);
    } finally {
      process.destroyForcibly();
    }
  }
}
