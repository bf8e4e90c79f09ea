package io.tanuki4j.metrics;

import java.io.PrintStream;

/** Prints lines at once. */
public record ConsoleLog(PrintStream out) implements RunLog {
  @Override
  public void message(String line) {
    out.println(line);
    out.flush();
  }
}
