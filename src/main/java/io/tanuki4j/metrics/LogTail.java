package io.tanuki4j.metrics;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/** Passes lines to another log and remembers the last ones. Threads may share it. */
public final class LogTail implements RunLog {
  private static final int MAX_LINES = 200;

  private final RunLog log;
  private final Deque<String> last = new ArrayDeque<>();
  private long numDropped;

  /**
   * Some of the last lines, oldest first.
   *
   * @param first number of the first one, from the start of the log
   */
  public record Lines(long first, List<String> lines) {}

  public LogTail(RunLog log) {
    this.log = log;
  }

  @Override
  public void message(String line) {
    log.message(line);
    synchronized (last) {
      last.addLast(line);
      if (last.size() > MAX_LINES) {
        last.removeFirst();
        numDropped++;
      }
    }
  }

  /** Returns the last lines from one on; all of them if there is no such line yet. */
  public Lines from(long number) {
    synchronized (last) {
      boolean isKnown = number >= numDropped && number <= numDropped + last.size();
      long first = isKnown ? number : numDropped;
      return new Lines(first, last.stream().skip(first - numDropped).toList());
    }
  }
}
