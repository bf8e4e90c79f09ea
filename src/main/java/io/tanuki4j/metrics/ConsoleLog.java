package io.tanuki4j.metrics;

import java.io.PrintStream;
import java.util.function.Consumer;

/** Prints lines immediately. */
public final class ConsoleLog implements RunLog {
  private final PrintStream out;
  private final Consumer<String> warnings;
  private boolean hasFailed;

  /**
   * Prints to a stream.
   *
   * @param warnings is told once if lines cannot be written
   */
  public ConsoleLog(PrintStream out, Consumer<String> warnings) {
    this.out = out;
    this.warnings = warnings;
  }

  @Override
  public void message(String line) {
    out.println(line);
    if (out.checkError() && !hasFailed) {
      hasFailed = true;
      warnings.accept(
          "WARNING: standard output: writing failed, so lines of the log are lost (expected: room on"
              + " its disk, or a reader that stays).");
    }
  }
}
