package io.tanuki4j.metrics;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ConsoleLogTest {
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

  private final List<String> warnings = new ArrayList<>();

  @Test
  void lines_that_cannot_be_written_are_told_once() {
    ConsoleLog log = new ConsoleLog(FULL, warnings::add);
    log.message("one");
    log.message("two");
    assertThat(warnings).hasSize(1);
    assertThat(warnings.get(0)).startsWith("WARNING: standard output: writing failed");
  }
}
