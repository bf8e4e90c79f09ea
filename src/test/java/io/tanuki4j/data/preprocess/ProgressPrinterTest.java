package io.tanuki4j.data.preprocess;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class ProgressPrinterTest {
  private static final long SECOND = 1_000_000_000;
  private static final int MB = 1 << 20;

  private final StringWriter text = new StringWriter();
  private final PrintWriter out = new PrintWriter(text);

  @Test
  void without_a_terminal_a_line_comes_after_each_interval_of_documents() {
    ProgressPrinter printer = new ProgressPrinter(out, false, 1000);
    printer.accept(new Progress(999, 3 * MB, 1, 4, SECOND));
    printer.accept(new Progress(1010, 3 * MB, 2, 4, 2 * SECOND));
    printer.accept(new Progress(2009, 6 * MB, 3, 4, 3 * SECOND));
    printer.accept(new Progress(2010, 9 * MB, 3, 4, 4 * SECOND));
    printer.finish(new Progress(2011, 9 * MB, 4, 4, 4 * SECOND));
    assertThat(text)
        .hasToString(
            """
            Processed 1010 documents (505.0 docs/s, 1.50 MB/s).
            Processed 2010 documents (502.5 docs/s, 2.25 MB/s).
            Processed 2011 documents (502.8 docs/s, 2.25 MB/s).
            """);
  }

  @Test
  void on_a_terminal_a_bar_shows_rate_and_remaining_time() {
    ProgressPrinter printer = new ProgressPrinter(out, true, 1);
    printer.accept(new Progress(1234, 50 * MB, 25, 100, 100 * SECOND));
    printer.accept(new Progress(1300, 50 * MB, 26, 100, 100 * SECOND + 1));
    printer.finish(new Progress(5000, 200 * MB, 100, 100, 400 * SECOND));
    assertThat(text)
        .hasToString(
            "\r[#######.......................]  25 % | 1,234 documents | 0.50 MB/s | 0:05:00 left "
                + "\r[##############################] 100 % | 5,000 documents | 0.50 MB/s | 0:00:00 left "
                + System.lineSeparator());
  }

  @Test
  void nothing_done_yet_has_no_remaining_time() {
    assertThat(ProgressPrinter.bar(new Progress(0, 0, 0, 10, 0))).endsWith("0.00 MB/s | ? left ");
  }
}
