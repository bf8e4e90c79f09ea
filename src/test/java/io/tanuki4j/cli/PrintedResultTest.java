package io.tanuki4j.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** What commands say of output that cannot be written. */
class PrintedResultTest {
  private static final PrintStream FULL =
      new PrintStream(
          new OutputStream() {
            @Override
            public void write(int b) throws IOException {
              throw new IOException("No space left on device");
            }
          },
          true,
          UTF_8);

  private final StringWriter err = new StringWriter();
  private Path file = Path.of("pom.xml"); // any that is no pipe

  private int exitCode(int code, PrintStream out, String words) {
    CommandLine commandLine = Main.commandLine();
    commandLine.setOut(new PrintWriter(out, false, UTF_8)).setErr(new PrintWriter(err));
    commandLine.getOut().println("a result");
    return PrintedResult.exitCode(code, out, file, commandLine, words.split(" ", -1));
  }

  @ParameterizedTest
  @ValueSource(strings = {"inspect run", "generate --load run", "--help", "launch -- evaluate"})
  void a_result_that_is_lost_is_a_failure(String words) {
    assertThat(exitCode(0, FULL, words)).isEqualTo(1);
    assertThat(err)
        .hasToString(
            "tanuki4j: standard output: writing failed (expected: room on its disk, or a reader that"
                + " stays). What was printed is not whole: send it elsewhere."
                + System.lineSeparator());
  }

  @ParameterizedTest
  @ValueSource(strings = {"pretrain --lr 1", "launch --nproc-per-node 2 -- pretrain"})
  void a_log_that_is_lost_is_a_warning(String words) {
    assertThat(exitCode(0, FULL, words)).isZero();
    assertThat(err.toString()).startsWith("tanuki4j: WARNING: standard output: writing failed");
  }

  @ParameterizedTest
  @ValueSource(strings = {"inspect run", "--help", "pretrain --help", "pretrain", "plan"})
  void a_reader_that_has_left_is_ordinary(String words, @TempDir Path folder) throws Exception {
    file = pipe(folder);
    assertThat(exitCode(0, FULL, words)).isZero();
    assertThat(exitCode(2, FULL, words)).isEqualTo(2);
    assertThat(err.toString()).isEmpty();
  }

  @Test
  void the_launcher_warns_in_place_of_its_ranks(@TempDir Path folder) throws Exception {
    file = pipe(folder);
    assertThat(exitCode(0, FULL, "launch -- pretrain --help")).isZero();
    assertThat(err.toString()).isEmpty();
    assertThat(exitCode(0, FULL, "launch -- pretrain")).isZero();
    assertThat(err.toString()).startsWith("tanuki4j: WARNING: standard output: writing failed");
  }

  private static Path pipe(Path folder) throws Exception {
    Path pipe = folder.resolve("pipe");
    assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
    return pipe;
  }

  @ParameterizedTest
  @CsvSource({"0, inspect", "2, inspect", "3, pretrain"})
  void other_exit_codes_stay(int code, String words) {
    assertThat(exitCode(code, new PrintStream(new ByteArrayOutputStream(), true, UTF_8), words))
        .isEqualTo(code);
    assertThat(err.toString()).isEmpty();
    assertThat(exitCode(3, FULL, words)).isEqualTo(3);
  }
}
