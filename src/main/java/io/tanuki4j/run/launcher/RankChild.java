package io.tanuki4j.run.launcher;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** A rank that runs as a process. Its lines appear with its number before them. */
final class RankChild {
  private static final int TAIL_LINES = 10;
  private static final long OUTPUT_MILLIS = 1000;

  private final int rank;
  private final Process process;
  private final List<Thread> readers = new ArrayList<>();
  private final Deque<String> tail = new ArrayDeque<>();

  private RankChild(int rank, Process process) {
    this.rank = rank;
    this.process = process;
  }

  /**
   * @param ended is called when the process has ended and all of its lines are out
   */
  static RankChild start(
      int rank,
      List<String> command,
      Map<String, String> environment,
      Streams streams,
      Consumer<RankChild> ended)
      throws IOException {
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().putAll(environment);
    RankChild child = new RankChild(rank, builder.start());
    child.read(child.process.getInputStream(), streams.out());
    child.read(child.process.getErrorStream(), streams.err());
    Thread waiting = new Thread(() -> child.awaitEnd(ended), "end of rank " + rank);
    waiting.setDaemon(true);
    waiting.start();
    return child;
  }

  /** Where the lines of all ranks go. */
  record Streams(PrintStream out, PrintStream err) {}

  private void read(InputStream from, PrintStream to) {
    Thread reader = new Thread(() -> copy(from, to), "output of rank " + rank);
    reader.setDaemon(true);
    reader.start();
    readers.add(reader);
  }

  private void copy(InputStream from, PrintStream to) {
    try (BufferedReader lines = new BufferedReader(new InputStreamReader(from, UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (!line.equals(StandardError.INCUBATOR_WARNING)) {
          to.println("[rank %d] %s".formatted(rank, line));
          keep(line);
        }
      }
    } catch (IOException e) {
      keep("(its output broke off: " + e.getMessage() + ")");
    }
  }

  private synchronized void keep(String line) {
    tail.add(line);
    if (tail.size() > TAIL_LINES) {
      tail.remove();
    }
  }

  private void awaitEnd(Consumer<RankChild> ended) {
    try {
      process.waitFor();
      for (Thread reader : readers) {
        reader.join(OUTPUT_MILLIS); // a grandchild may hold the output open
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    ended.accept(this);
  }

  int rank() {
    return rank;
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /**
   * Returns the exit code of a process that has ended; 128 plus the signal's number if a signal
   * killed it.
   */
  int exitCode() {
    return process.exitValue();
  }

  /**
   * Asks the process to end: SIGTERM. Its output continues ({@code Process.destroy} would close
   * it).
   */
  void terminate() {
    process.toHandle().destroy();
  }

  /**
   * Sends the process a signal by its name, {@code INT}. Java itself sends SIGTERM and SIGKILL
   * only, so a shell does it.
   *
   * @throws IOException if the system starts none
   */
  void signal(String name) throws IOException {
    new ProcessBuilder("sh", "-c", "kill -%s %d".formatted(name, process.pid()))
        .redirectError(ProcessBuilder.Redirect.DISCARD) // it may have ended just now
        .start();
  }

  /** Ends it: SIGKILL. */
  void kill() {
    process.toHandle().destroyForcibly();
  }

  /**
   * Returns the end in words, for example {@code rank 2 (process 4711) has ended with exit code
   * 137, by signal 9}.
   */
  String describeEnd() {
    int code = exitCode();
    String signal = code > 128 && code < 160 ? ", by signal " + (code - 128) : "";
    return "rank %d (process %d) has ended with exit code %d%s"
        .formatted(rank, process.pid(), code, signal);
  }

  synchronized List<String> lastLines() {
    return List.copyOf(tail);
  }
}
