package io.tanuki4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.config.ConfigException;
import io.tanuki4j.error.UserException;
import io.tanuki4j.flags.PretrainOptions.Resolved;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Exit codes and what the user reads. */
class MainTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  private final List<String> trained = new ArrayList<>();

  @Command(name = "fail")
  private static final class Failing implements Callable<Integer> {
    @Option(names = "--count")
    int count = 1;

    private final Throwable failure;

    Failing(Throwable failure) {
      this.failure = failure;
    }

    @Override
    public Integer call() throws Exception {
      if (count > 0 && failure instanceof Error error) {
        throw error;
      }
      if (count > 0) {
        throw (Exception) failure;
      }
      return 0;
    }
  }

  private int run(Throwable failure, String... words) {
    PretrainCommand pretrain =
        new PretrainCommand((folder, iteration) -> Optional.empty(), this::train);
    CommandLine commandLine = Main.commandLine();
    commandLine.addSubcommand(new Failing(failure));
    commandLine.addSubcommand("rehearse", new CommandLine(pretrain));
    commandLine.setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
    return Main.run(commandLine, words);
  }

  private void train(Resolved run) {
    trained.add(run.config().model().toString());
  }

  private int run(String... words) {
    return run(new IllegalStateException("broken"), words);
  }

  static Stream<Arguments> failures() {
    return Stream.of(
        Arguments.of(
            new ConfigException("--lr: abc (expected: a number)."),
            2,
            "tanuki4j fail: --lr: abc (expected: a number)."),
        Arguments.of(
            new ConfigException("one.\ntwo."), 2, "tanuki4j fail: 2 problems\n  one.\n  two."),
        Arguments.of(
            new UserException("a.idx: not a corpus (expected: MMIDIDX). Make it again."),
            1,
            "tanuki4j fail: a.idx: not a corpus (expected: MMIDIDX). Make it again."),
        Arguments.of(
            new UncheckedIOException(new NoSuchFileException("a/b")),
            1,
            "tanuki4j fail: a/b: no such file or folder."),
        Arguments.of(
            new AccessDeniedException("a/b"),
            1,
            "tanuki4j fail: a/b: not allowed to read or write it."),
        Arguments.of(new IOException("disk full"), 1, "tanuki4j fail: disk full."),
        Arguments.of(
            new StackOverflowError(),
            1,
            "tanuki4j: a fault of the program: java.lang.StackOverflowError. Run again with --debug"
                + " and report what it prints."),
        Arguments.of(
            new IllegalStateException("broken"),
            1,
            "tanuki4j fail: a fault of the program: java.lang.IllegalStateException: broken. Run"
                + " again with --debug and report what it prints."));
  }

  @ParameterizedTest
  @MethodSource("failures")
  void a_failure_is_a_line_and_an_exit_code(Throwable failure, int code, String line) {
    assertThat(run(failure, "fail")).isEqualTo(code);
    assertThat(err.toString().strip()).isEqualTo(line);
  }

  @Test
  void debug_shows_the_stack_trace_wherever_it_stands() {
    assertThat(run("--debug", "fail")).isEqualTo(1);
    assertThat(run("fail", "--debug")).isEqualTo(1);
    assertThat(err.toString().split("at io.tanuki4j.cli.MainTest", -1).length).isGreaterThan(2);
  }

  @Test
  void a_command_that_succeeds_returns_0() {
    assertThat(run("fail", "--count", "0")).isZero();
    assertThat(err.toString()).isEmpty();
  }

  @Test
  void help_and_version_return_0() {
    assertThat(run("--help")).isZero();
    assertThat(run("--version")).isZero();
    assertThat(run("rehearse", "--num-layer", "--help")).isZero();
    assertThat(out.toString())
        .contains("Usage: tanuki4j", "tanuki4j (not from a jar)", "Accepted, no effect", "--debug");
  }

  @Test
  void no_command_is_wrong_usage() {
    assertThat(run()).isEqualTo(2);
    assertThat(err.toString())
        .startsWith("tanuki4j: no command (expected: one of pretrain, ")
        .contains("Usage: tanuki4j");
  }

  @Test
  void a_run_without_flags_names_a_file_of_flags() {
    assertThat(run("plan")).isEqualTo(2);
    assertThat(err.toString())
        .endsWith(
            "Begin with a file of flags: tanuki4j plan @configs/tiny-cpu.args. All flags: tanuki4j"
                + " plan --help\n");
  }

  @Test
  void paths_in_a_file_from_elsewhere_are_explained() throws IOException {
    Path file = Files.createTempFile(Path.of("/tmp"), "run", ".args"); // not in the current folder
    try {
      Files.writeString(file, "--cuont 3");
      assertThat(run("fail", "@" + file)).isEqualTo(2);
    } finally {
      Files.delete(file);
    }
    assertThat(err.toString())
        .contains(
            "Paths in @%s are relative to the current folder, %s, not to the file's."
                .formatted(file, Path.of("").toAbsolutePath()));
  }

  @Test
  void an_unknown_command_gets_the_nearest_names() {
    assertThat(run("reharse")).isEqualTo(2);
    assertThat(err.toString().strip())
        .isEqualTo(
            "tanuki4j: reharse: unknown (expected: a command of tanuki4j). Did you mean rehearse?");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          --cuont 3 | --cuont: unknown (expected: a flag of tanuki4j fail). Did you mean --count?
          --count 2.0 | --count: 2.0 (expected: an integer). Write 2.
          3 | 3: unknown (expected: a flag of tanuki4j fail). See --help.
          """)
  void wrong_flags_of_other_commands_get_a_sentence(String words, String sentence) {
    assertThat(run(("fail " + words).split(" ", -1))).isEqualTo(2);
    assertThat(err.toString().strip()).isEqualTo("tanuki4j fail: " + sentence);
  }

  @Test
  void a_run_starts_only_with_good_flags(@TempDir Path folder) throws IOException {
    List<String> words = new ArrayList<>(List.of("rehearse", "--debug"));
    words.addAll(new CommandLines(folder).split(CommandLines.SMALLEST));
    assertThat(run(words.toArray(String[]::new))).isZero();
    assertThat(trained).hasSize(1);
    words.add("--num-layers");
    assertThat(run(words.toArray(String[]::new))).isEqualTo(2);
    assertThat(trained).hasSize(1);
  }

  @Test
  void a_missing_argument_file_is_wrong_usage() {
    assertThat(run("rehearse", "@/nowhere/tiny.args")).isEqualTo(2);
    assertThat(err.toString())
        .startsWith("tanuki4j: @/nowhere/tiny.args: no such file (expected: a file of flags");
  }
}
