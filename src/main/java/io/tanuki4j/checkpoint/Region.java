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

  /**
   * Returns the largest box of consecutive elements of this one: whole rows, or part of one.
   *
   * @param first element of this box, in row-major order
   * @param most elements
   */
  Region consecutive(long first, long most) {
    long row = firstRow + first / columns;
    long column = first % columns;
    return column == 0 && most >= columns
        ? new Region(row, firstColumn, most / columns, columns)
        : new Region(row, firstColumn + column, 1, Math.min(columns - column, most));
  }

  /** Returns the box that both have, which must overlap. */
  Region shared(Region other) {
    long row = Math.max(firstRow, other.firstRow);
    long column = Math.max(firstColumn, other.firstColumn);
    return new Region(
        row,
        column,
        Math.min(endRow(), other.endRow()) - row,
        Math.min(endColumn(), other.endColumn()) - column);
  }

  /** Returns where a box's first element is in this one, in row-major order. */
  long elementOf(Region inside) {
    return (inside.firstRow - firstRow) * columns + inside.firstColumn - firstColumn;
  }

  /** Returns this box without the rows from {@code endRow} on. */
  Region above(long endRow) {
    return new Region(
        firstRow, firstColumn, Math.max(0, Math.min(rows, endRow - firstRow)), columns);
  }
}
