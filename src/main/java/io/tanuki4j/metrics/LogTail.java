package io.tanuki4j.metrics;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/** Passes lines to another log and remembers the last ones. Threads may share it. */
public final class LogTail implements RunLog {
  private static final int MAX_LINES = 200;

  private final RunLog log;
  private final Deque<String> last = new ArrayDeque<>();

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
      }
    }
  }

  /** Returns the last lines, oldest first. */
  public List<String> lines() {
    synchronized (last) {
      return List.copyOf(last);
    }
  }
}
