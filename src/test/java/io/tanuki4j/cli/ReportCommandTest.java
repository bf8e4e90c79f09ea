package io.tanuki4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class ReportCommandTest {
  @TempDir private Path folder;

  private final StringWriter out = new StringWriter();

  private int run(String... words) {
    CommandLine commandLine = Main.commandLine();
    commandLine.setOut(new PrintWriter(out)).setErr(new PrintWriter(out));
    return Main.run(commandLine, words);
  }

  @Test
  void a_run_becomes_a_file_with_the_end_of_its_log() throws IOException {
    Files.writeString(folder.resolve("metrics.jsonl"), "{\"iteration\":1,\"lm loss\":2}\n");
    Path log = folder.resolve("log");
    Files.writeString(log, "line\n".repeat(300) + "the last line\n");
    assertThat(run("report", folder.toString(), "--log", log.toString())).isZero();
    Path file = folder.resolve("report.html");
    assertThat(out.toString()).contains(file + ": 1 iterations. Open it in a browser.");
    assertThat(Files.readString(file)).contains("the last line").contains("\"lm loss\":[2]");
  }

  @Test
  void what_is_not_there_is_a_sentence() throws IOException {
    assertThat(run("report", folder.toString())).isEqualTo(1);
    assertThat(out.toString()).contains("no metrics.jsonl there").doesNotContain("fault");
    Files.writeString(folder.resolve("metrics.jsonl"), "");
    assertThat(run("report", folder.toString(), "--log", folder + "/none")).isEqualTo(1);
    assertThat(out.toString())
        .contains("--log: ")
        .contains("Check the path")
        .doesNotContain("fault");
  }
}
