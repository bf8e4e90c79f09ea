package io.tanuki4j.checkpoint;

import io.tanuki4j.error.UserException;
import io.tanuki4j.tensor.Shape;

/**
 * A box of a tensor of one or two dims; a vector counts as a matrix of one column.
 *
 * @param firstRow where it begins in the global tensor
 * @param firstColumn where it begins in the global tensor
 */
public record Region(long firstRow, long firstColumn, long rows, long columns) {

  /** Returns the region of a whole tensor. */
  static Region whole(Shape shape) {
    return of(0, 0, shape);
  }

  /** Returns a box of this shape at a place. */
  static Region of(long firstRow, long firstColumn, Shape shape) {
    if (shape.rank() != 1 && shape.rank() != 2) {
      throw new UserException(
          "a tensor of shape " + shape + " (expected in a checkpoint: one or two dims)");
    }
    return new Region(firstRow, firstColumn, shape.dim(0), shape.rank() == 1 ? 1 : shape.dim(1));
  }

  /**
   * Returns the name of this box of a tensor in a file: the tensor's name, followed by rows and
   * columns unless the box is the whole tensor, {@code mlp.down.weight[0:64, 128:256]}.
   */
  String entryName(String tensor, Shape globalShape) {
    if (equals(whole(globalShape))) {
      return tensor;
    }
    String ofRows = "%d:%d".formatted(firstRow, endRow());
    return globalShape.rank() == 1
        ? "%s[%s]".formatted(tensor, ofRows)
        : "%s[%s, %d:%d]".formatted(tensor, ofRows, firstColumn, endColumn());
  }

  long endRow() {
    return firstRow + rows;
  }

  long endColumn() {
    return firstColumn + columns;
  }

  long numElements() {
    return Math.multiplyExact(rows, columns);
  }

  boolean contains(long row, long column) {
    return firstRow <= row && row < endRow() && firstColumn <= column && column < endColumn();
  }

  boolean contains(Region other) {
    return firstRow <= other.firstRow
        && other.endRow() <= endRow()
        && firstColumn <= other.firstColumn
        && other.endColumn() <= endColumn();
  }

  boolean overlaps(Region other) {
    return Math.max(firstRow, other.firstRow) < Math.min(endRow(), other.endRow())
        && Math.max(firstColumn, other.firstColumn) < Math.min(endColumn(), other.endColumn());
  }

  /** Returns this box without the rows from {@code endRow} on. */
  Region above(long endRow) {
    return new Region(
        firstRow, firstColumn, Math.max(0, Math.min(rows, endRow - firstRow)), columns);
  }
}
