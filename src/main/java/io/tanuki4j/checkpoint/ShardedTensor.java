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
   * The stored pieces of a parameter: a packed one is several tensors of the checkpoint.
   *
   * @param prefix in front of each name: empty for the weights, {@code exp_avg.} for a moment
   * @param values of the parameter's shape: its value, or its view of an optimizer's buffer
   */
  public static List<ShardedTensor> of(Parameter parameter, String prefix, Tensor values) {
    List<ShardedTensor> pieces = new ArrayList<>();
    long row = 0;
    for (ParameterSpec.Slice slice : parameter.spec().slices()) {
      Tensor local = values.rows(row, row + slice.rows());
      pieces.add(
          new ShardedTensor(
              prefix + slice.name(),
              slice.globalShape(),
              slice.firstRow(),
              slice.firstColumn(),
              local));
      row += slice.rows();
    }
    return pieces;
  }

  /** The stored pieces of all weights. */
  public static List<ShardedTensor> ofValues(ParameterBuffers parameters) {
    return parameters.all().stream()
        .flatMap(parameter -> of(parameter, "", parameter.value()).stream())
        .toList();
  }

  Region region() {
    return Region.of(firstRow, firstColumn, local.shape());
  }
}
