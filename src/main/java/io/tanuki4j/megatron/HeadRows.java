package io.tanuki4j.megatron;

import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Queries or keys with the rows of each head in another order. Rows that rotate together are
 * neighbours in Megatron's models with {@code --rotary-interleaved}, and half of the rotated rows
 * apart here. Products of queries and keys do not depend on the order that both have.
 *
 * @param rotated rows at the begin of a head that rotate
 * @param paired whether the result has them as neighbours; else the matrix has
 */
record HeadRows(Matrix matrix, int headDim, int rotated, boolean paired) implements Matrix {
  @Override
  public ElementType type() {
    return matrix.type();
  }

  @Override
  public long rows() {
    return matrix.rows();
  }

  @Override
  public long columns() {
    return matrix.columns();
  }

  @Override
  public void read(long first, ByteBuffer into) throws IOException {
    int end = into.limit();
    long element = first;
    while (into.position() < end) {
      long column = element % columns();
      int remaining = (end - into.position()) / elementBytes();
      long run = Math.min(columns() - column, remaining);
      into.limit(into.position() + Math.toIntExact(run * elementBytes()));
      matrix.read(source(element / columns()) * columns() + column, into);
      into.limit(end);
      element += run;
    }
  }

  /** Returns the row of the matrix that becomes this row. */
  private long source(long row) {
    int inHead = (int) (row % headDim);
    return row - inHead + (inHead < rotated ? sourceOfRotated(inHead) : inHead);
  }

  private int sourceOfRotated(int row) {
    int half = rotated / 2;
    if (paired) {
      return row / 2 + row % 2 * half;
    }
    return row < half ? 2 * row : 2 * (row - half) + 1;
  }
}
