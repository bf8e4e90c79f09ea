package io.tanuki4j.backend.cpu;

import io.tanuki4j.backend.host.BlockStack;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;

/**
 * Sums over the rows of a matrix: first over parts of consecutive rows, then over the parts. So the
 * order does not depend on threads.
 */
final class RowSums implements AutoCloseable {
  private static final int MAX_PARTS = 64;

  private final Workers workers;
  private final long numRows;
  private final int width;
  private final long rowsPerPart;
  private final BlockStack memory;
  private final BlockStack.Mark mark;
  private final Tensor parts;

  /**
   * Plans sums of {@code count} vectors of {@code width} elements each.
   *
   * @param type in which sums are kept
   */
  RowSums(Workers workers, long numRows, int width, int count, DType type) {
    this.workers = workers;
    this.numRows = numRows;
    this.width = width;
    this.rowsPerPart = Math.max(Rows.perTask(width), (numRows + MAX_PARTS - 1) / MAX_PARTS);
    this.memory = workers.scratch().memory();
    this.mark = memory.mark();
    int numParts = Workers.numParts(numRows, rowsPerPart);
    this.parts = memory.push(Shape.of(numParts, count, width), type);
  }

  /** Computes the sums of the rows {@code from} to {@code to}, and stores them in a part. */
  interface Task {
    void run(long from, long to, Part part, Scratch scratch);
  }

  /** Where a part's sums go. */
  record Part(Tensor sums, long first, int width) {
    void store(int vector, Row sum) {
      sum.store(sums, first + (long) vector * width);
    }
  }

  void run(Task task) {
    long partSize = parts.dim(1) * width;
    workers.runParts(
        numRows,
        rowsPerPart,
        (from, to, scratch) ->
            task.run(from, to, new Part(parts, from / rowsPerPart * partSize, width), scratch));
  }

  /** Adds the sum of a vector over all parts, rounded once. */
  void addTo(Tensor out, int vector) {
    Row total = workers.scratch().row(0, parts);
    Row row = workers.scratch().row(1, parts);
    total.fill(0, width);
    for (long i = 0; i < parts.dim(0); i++) {
      row.load(parts, (i * parts.dim(1) + vector) * width, width);
      total.add(row);
    }
    row.load(out, 0, width);
    total.add(row);
    total.store(out, 0);
  }

  @Override
  public void close() {
    memory.backTo(mark);
  }
}
