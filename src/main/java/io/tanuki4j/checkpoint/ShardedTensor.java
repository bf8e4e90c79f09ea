package io.tanuki4j.checkpoint;

import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.nn.ParameterSpec;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Memory of this rank that is part of a tensor of the checkpoint, to be saved or to be filled.
 *
 * @param name of the global tensor, for example {@code exp_avg.layers.0.mlp.up.weight}
 * @param globalShape one or two dims
 * @param firstRow where the local part begins
 * @param firstColumn where the local part begins; 0 for vectors
 * @param local the part itself, of as many dims
 */
public record ShardedTensor(
    String name, Shape globalShape, long firstRow, long firstColumn, Tensor local) {

  public ShardedTensor {
    if (globalShape.rank() != local.shape().rank()
        || !Region.whole(globalShape).contains(Region.of(firstRow, firstColumn, local.shape()))) {
      throw new IllegalArgumentException(
          "%s: %s at row %d, column %d (expected: within the global %s)"
              .formatted(name, local.shape(), firstRow, firstColumn, globalShape));
    }
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

  Region region() {
    return Region.of(firstRow, firstColumn, local.shape());
  }
}
