package io.tanuki4j.nn;

import io.tanuki4j.tensor.Shape;
import java.util.List;

/**
 * A parameter before it has memory: its name, its size, its initial values.
 *
 * @param name global and stable, whatever stage or rank holds it: {@code layers.17.mlp.down.weight}
 * @param shape of this rank's shard
 * @param slices the pieces it is stored as, in order of rows; one slice of the same name for most
 * @param initialStd standard deviation of its initial normal numbers; 0 starts with 0, {@link
 *     #ONES} with 1
 * @param weightDecay whether the optimizer decays it (matrices yes; biases and norms no)
 * @param sharing what tensor-parallel ranks have of it and of its gradient
 */
public record ParameterSpec(
    String name,
    Shape shape,
    List<Slice> slices,
    double initialStd,
    boolean weightDecay,
    Sharing sharing) {
  /** How tensor-parallel ranks share a parameter. */
  public enum Sharing {
    /** Each rank has a part, and the gradient of that part. */
    SHARDED,
    /** Each rank has all of it, and the same gradient. */
    COPIED,
    /** Each rank has all of it, and a part of its gradient: the parts must be summed. */
    COPIED_PARTIAL_GRADIENT
  }

  /** Instead of a standard deviation: every element starts as 1. */
  public static final double ONES = -1;

  public ParameterSpec {
    slices = List.copyOf(slices);
    long rows = slices.stream().mapToLong(Slice::rows).sum();
    if (rows != shape.dim(0)) {
      throw new IllegalArgumentException(
          "%s: slices of %d rows in all (expected: the %d of its shape)"
              .formatted(name, rows, shape.dim(0)));
    }
  }

  /** Describes a parameter kept under its own name, of which every rank has a copy. */
  public static ParameterSpec whole(
      String name, Shape shape, double initialStd, boolean weightDecay) {
    return whole(name, shape, initialStd, weightDecay, Sharing.COPIED);
  }

  /** Describes a parameter kept under its own name, whole on this rank. */
  public static ParameterSpec whole(
      String name, Shape shape, double initialStd, boolean weightDecay, Sharing sharing) {
    Slice slice = new Slice(name, shape, shape.dim(0), 0, 0);
    return new ParameterSpec(name, shape, List.of(slice), initialStd, weightDecay, sharing);
  }

  /**
   * Returns where its rows begin in the global tensor; for a packed parameter, those of its first
   * slice.
   */
  public long firstRow() {
    return slices.get(0).firstRow();
  }

  /**
   * Consecutive rows of a parameter that checkpoints know as (part of) a tensor of their own. A
   * packed projection has three: query, key and value; each can then be cut for any number of
   * ranks.
   *
   * @param name of the global tensor
   * @param globalShape of the global tensor
   * @param rows how many rows of this parameter it takes
   * @param firstRow where they begin in the global tensor
   * @param firstColumn where the columns begin in the global tensor; 0 for vectors
   */
  public record Slice(String name, Shape globalShape, long rows, long firstRow, long firstColumn) {}
}
