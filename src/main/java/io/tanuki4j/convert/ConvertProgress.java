package io.tanuki4j.convert;

import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.checkpoint.TensorViews;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;

/** Counts the bytes read from tensors. Prints a line now and then, and one at the end. */
public final class ConvertProgress {
  private static final long NANOS_BETWEEN_LINES = 5_000_000_000L;
  private static final double BYTES_PER_MB = 1e6;

  private final PrintWriter out;
  private final String verb;
  private final long totalBytes;
  private final long start = System.nanoTime();
  private long lastLine = start;
  private long doneBytes;

  /**
   * Starts to count.
   *
   * @param verb the action, for example {@code wrote}
   */
  public ConvertProgress(PrintWriter out, String verb, List<ShardedTensor> tensors) {
    this.out = out;
    this.verb = verb;
    this.totalBytes = tensors.stream().mapToLong(ShardedTensor::numBytes).sum();
  }

  /** Returns the same tensors, whose reads are counted. */
  static List<ShardedTensor> counted(PrintWriter out, String verb, List<ShardedTensor> tensors) {
    ConvertProgress progress = new ConvertProgress(out, verb, tensors);
    return tensors.stream().map(tensor -> TensorViews.observed(tensor, progress::add)).toList();
  }

  public void add(int bytes) {
    doneBytes += bytes;
    long now = System.nanoTime();
    if (now - lastLine >= NANOS_BETWEEN_LINES || doneBytes == totalBytes) {
      lastLine = now;
      print();
    }
  }

  private void print() {
    double seconds = Math.max(1e-9, (System.nanoTime() - start) / 1e9);
    out.println(
        String.format(
            Locale.ROOT,
            " > %s %.1f of %.1f MB (%.0f MB/s)",
            verb,
            doneBytes / BYTES_PER_MB,
            totalBytes / BYTES_PER_MB,
            doneBytes / BYTES_PER_MB / seconds));
    out.flush();
  }
}
