package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.error.UserException;
import io.tanuki4j.kernel.HostStage;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.nn.ParameterSpec;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * A box of a tensor of a checkpoint, and where its elements are: in memory of this rank, to be
 * saved or to be filled, or in files.
 *
 * @param name of the global tensor, for example {@code exp_avg.layers.0.mlp.up.weight}
 * @param globalShape one or two dims
 * @param region the box; all of the tensor if it is not cut
 */
public record ShardedTensor(
    String name, ElementType type, Shape globalShape, Region region, Content content) {
  /** Checks that the box is within the tensor. */
  public ShardedTensor {
    if (!Region.whole(globalShape).contains(region)) {
      throw new IllegalArgumentException(
          "%s: %s (expected: within the global %s)".formatted(name, region, globalShape));
    }
  }

  /**
   * Makes a box in this rank's memory.
   *
   * @param firstRow where the local part begins
   * @param firstColumn where the local part begins; 0 for vectors
   * @param local the part itself, of as many dims
   */
  public ShardedTensor(
      String name, Shape globalShape, long firstRow, long firstColumn, Tensor local) {
    this(
        name,
        ElementType.of(local.dtype()),
        globalShape,
        Region.of(firstRow, firstColumn, local.shape()),
        new Memory(local));
  }

  /** Returns a tensor that is not cut. */
  public static ShardedTensor whole(String name, ElementType type, Shape shape, Content content) {
    return new ShardedTensor(name, type, shape, Region.whole(shape), content);
  }

  /** Where the elements of a tensor come from: a device, a file, or several. */
  @FunctionalInterface
  public interface Content {
    /**
     * Fills the rest of a little-endian buffer.
     *
     * @param firstElement in row-major order
     */
    void read(long firstElement, ByteBuffer into) throws IOException;

    /**
     * Begins to fill a part of a stage's slot. It is filled once the stage has been waited for;
     * content from elsewhere than the stage's device is there at once.
     */
    default void begin(long firstElement, ByteBuffer into, HostStage stage, int slot)
        throws IOException {
      read(firstElement, into);
    }
  }

  /** Content in a device's memory, which only a stage of the device copies. */
  private record Memory(Tensor tensor) implements Content {
    @Override
    public void read(long first, ByteBuffer into) {
      throw new IllegalStateException("device memory is copied by a stage");
    }

    @Override
    public void begin(long first, ByteBuffer into, HostStage stage, int slot) {
      Tensor flat = tensor.reshape(Shape.of(tensor.numElements()));
      long count = into.remaining() / tensor.dtype().bytes();
      stage.copy(slot, into, flat.rows(first, first + count));
    }
  }

  /** Returns the memory of a box that is in memory. */
  public Tensor local() {
    if (content instanceof Memory memory) {
      return memory.tensor();
    }
    throw new IllegalStateException(name + " is not in memory");
  }

  /**
   * Returns the stored pieces of a parameter: a packed one is several tensors of the checkpoint.
   *
   * @param prefix in front of each name: empty for the weights, {@code exp_avg.} for a moment
   * @param values of the parameter's shape: its value, or its view of an optimizer's buffer
   */
  public static List<ShardedTensor> of(Parameter parameter, String prefix, Tensor values) {
    return of(parameter, prefix, 0, values.reshape(Shape.of(values.numElements())));
  }

  /**
   * Returns the pieces if a rank has only a range of a parameter's elements, which may begin and
   * end inside a row. Each slice gives up to three pieces: the rest of a row, whole rows, and the
   * beginning of a row.
   *
   * @param first where the range begins in the parameter
   * @param range one dim
   */
  public static List<ShardedTensor> of(
      Parameter parameter, String prefix, long first, Tensor range) {
    List<ShardedTensor> pieces = new ArrayList<>();
    long end = first + range.numElements();
    long width = parameter.spec().shape().rowSize();
    long begin = 0;
    for (ParameterSpec.Slice slice : parameter.spec().slices()) {
      long sliceEnd = begin + slice.rows() * width;
      long next = Math.max(first, begin);
      while (next < Math.min(end, sliceEnd)) {
        long count = run(next - begin, Math.min(end, sliceEnd) - next, width);
        Tensor local = range.rows(next - first, next - first + count);
        pieces.add(piece(slice, prefix, next - begin, width, local));
        next += count;
      }
      begin = sliceEnd;
    }
    return pieces;
  }

  /**
   * Returns how many elements from here on form a box: to the end of the row, or all whole rows.
   */
  private static long run(long from, long remaining, long width) {
    long column = from % width;
    return column == 0 && remaining >= width
        ? remaining - remaining % width
        : Math.min(width - column, remaining);
  }

  private static ShardedTensor piece(
      ParameterSpec.Slice slice, String prefix, long from, long width, Tensor flat) {
    long count = flat.numElements();
    Shape shape =
        slice.globalShape().rank() == 1
            ? Shape.of(count)
            : Shape.of(Math.max(1, count / width), Math.min(width, count));
    return new ShardedTensor(
        prefix + slice.name(),
        slice.globalShape(),
        slice.firstRow() + from / width,
        slice.firstColumn() + from % width,
        flat.reshape(shape));
  }

  /** Returns the stored pieces of all weights. */
  public static List<ShardedTensor> ofValues(ParameterBuffers parameters) {
    return parameters.all().stream()
        .flatMap(parameter -> of(parameter, "", parameter.value()).stream())
        .toList();
  }

  /** Returns the same tensor under another name. */
  public ShardedTensor renamed(String newName) {
    return new ShardedTensor(newName, type, globalShape, region, content);
  }

  /** Returns the size of this part in a file, in bytes. */
  public long numBytes() {
    return type.numBytes(shape());
  }

  /** Returns its name in a file. */
  String entryName() {
    return region.entryName(name, globalShape);
  }

  /** Returns the shape of the box. */
  public Shape shape() {
    return globalShape.rank() == 1
        ? Shape.of(region.rows())
        : Shape.of(region.rows(), region.columns());
  }

  /**
   * Where a box is: rows and columns of a tensor of one or two dims; a vector counts as a matrix of
   * one column.
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
}
