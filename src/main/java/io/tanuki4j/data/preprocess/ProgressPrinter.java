package io.tanuki4j.data.preprocess;

import java.io.PrintWriter;
import java.time.Duration;
import java.util.Locale;
import java.util.function.Consumer;

/** Shows progress: on a terminal as a bar that is redrawn, otherwise as Megatron's lines. */
public final class ProgressPrinter implements Consumer<Progress> {
  private static final int BAR_WIDTH = 30;
  private static final long NANOS_BETWEEN_BARS = 100_000_000;

  private final PrintWriter out;
  private final boolean terminal;
  private final long logInterval;
  private long nextDocuments;
  private long nextNanos;

  /**
   * Prints to a stream.
   *
   * @param terminal whether a line can be redrawn
   * @param logInterval documents from one line to the next
   */
  public ProgressPrinter(PrintWriter out, boolean terminal, long logInterval) {
    this.out = out;
    this.terminal = terminal;
    this.logInterval = logInterval;
    nextDocuments = logInterval;
  }

  @Override
  public void accept(Progress progress) {
    if (terminal && progress.nanos() >= nextNanos) {
      nextNanos = progress.nanos() + NANOS_BETWEEN_BARS;
      out.print("\r" + bar(progress));
      out.flush();
    } else if (!terminal && progress.documents() >= nextDocuments) {
      nextDocuments = progress.documents() + logInterval;
      out.println(line(progress));
      out.flush();
    }
  }

  /** Prints the last state and ends the line. */
  public void finish(Progress progress) {
    out.println(terminal ? "\r" + bar(progress) : line(progress));
    out.flush();
  }

  static String line(Progress progress) {
    return String.format(
        Locale.ROOT,
        "Processed %d documents (%.1f docs/s, %.2f MB/s).",
        progress.documents(),
        progress.documentsPerSecond(),
        progress.megabytesPerSecond());
  }

  static String bar(Progress progress) {
    double fraction = progress.fraction();
    int full = (int) (fraction * BAR_WIDTH);
    return String.format(
        Locale.ROOT,
        "[%s%s] %3.0f %% | %,d documents | %.2f MB/s | %s left ",
        "#".repeat(full),
        ".".repeat(BAR_WIDTH - full),
        fraction * 100,
        progress.documents(),
        progress.megabytesPerSecond(),
        remaining(progress.seconds(), fraction));
  }

  private static String remaining(double seconds, double fraction) {
    if (fraction == 0) {
      return "?";
    }
    Duration left = Duration.ofSeconds(Math.round(seconds * (1 - fraction) / fraction));
    return "%d:%02d:%02d".formatted(left.toHours(), left.toMinutesPart(), left.toSecondsPart());
  }
}
