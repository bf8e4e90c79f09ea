package io.tanuki4j.parallel.context;

import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.AttentionBlock;
import io.tanuki4j.kernel.AttentionShape;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.AttentionCore;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;

/**
 * The gradients of one rank's projection, a block of keys at a time: first {@link #own}, the others
 * in any order, {@link #finish} at the end. Sums are kept in fp32.
 */
final class RunningGradients {
  private final Kernels kernels;
  private final AttentionShape shape;
  private final int rank;
  private final Operands operands;
  private final Tensor sum;
  private final Tensor dQueries;
  private final Tensor lastLogSumExp;

  /**
   * @param dQkv to be written
   * @param saved by the forward
   * @param dOut gradient of the output
   */
  record Operands(Tensor dQkv, AttentionCore.Saved saved, Tensor dOut) {}

  /**
   * @param shape sizes of the rank's projection
   * @param scratch for as long as this is used
   */
  RunningGradients(
      Kernels kernels, AttentionShape shape, int rank, Operands operands, MemoryScope scratch) {
    this.kernels = kernels;
    this.shape = shape;
    this.rank = rank;
    this.operands = operands;
    Tensor logSumExp = operands.saved().logSumExp();
    this.sum = scratch.allocate(operands.dQkv().shape(), logSumExp.dtype());
    this.dQueries = scratch.allocate(operands.dOut().shape(), operands.dOut().dtype());
    this.lastLogSumExp = ofLastQueries(logSumExp, scratch);
  }

  /** A copy of the second half of the queries' logarithms. */
  private Tensor ofLastQueries(Tensor logSumExp, MemoryScope scratch) {
    int half = shape.seqLength() / 2;
    Tensor last =
        scratch.allocate(Shape.of(shape.batchSize(), shape.numHeads(), half), logSumExp.dtype());
    kernels.elementwise().copyColumns(last, 0, logSumExp, half, half, Accumulate.OVERWRITE);
    return last;
  }

  AttentionShape shape() {
    return shape;
  }

  /** The rank's own projection, {@code [s, b, (n + 2g)·d]}. */
  Tensor qkv() {
    return operands.saved().qkv();
  }

  /** The part of the rank's own keys. */
  void own() {
    AttentionCore.Saved saved = operands.saved();
    kernels
        .attention()
        .causalAttentionBackward(
            operands.dQkv(), operands.dOut(), saved.out(), saved.logSumExp(), saved.qkv(), shape);
    kernels.elementwise().copy(sum, operands.dQkv());
  }

  /**
   * The part of the keys of another rank: adds to the gradients of the own queries, and writes what
   * the owner of the keys has to add to theirs.
   *
   * @param keyValues all that the owner has, {@code [s, b, 2g·d]}
   * @param dKeyValues where their gradients go, as large
   * @return the rows of dKeyValues that were written; the others' gradients are zero
   */
  Tensor other(int owner, Tensor keyValues, Tensor dKeyValues) {
    ZigzagBlock block = new ZigzagBlock(shape, rank, owner);
    AttentionBlock sizes = block.sizes();
    AttentionCore.Saved saved = operands.saved();
    boolean all = sizes.queries().seqLength() == shape.seqLength();
    Tensor ofQueries = block.queries(dQueries);
    Tensor ofKeys = block.keys(dKeyValues);
    kernels
        .attention()
        .blockAttentionBackward(
            ofQueries,
            ofKeys,
            block.queries(operands.dOut()),
            block.queries(saved.out()),
            all ? saved.logSumExp() : lastLogSumExp,
            block.queries(saved.qkv()),
            block.keys(keyValues),
            sizes);
    kernels
        .elementwise()
        .copyColumns(block.queries(sum), 0, ofQueries, 0, shape.outSize(), Accumulate.ADD);
    return ofKeys;
  }

  /**
   * Adds what another rank has computed for the own keys and values.
   *
   * @param dKeyValues gradients of the first of them, or of all
   */
  void add(Tensor dKeyValues) {
    kernels
        .elementwise()
        .copyColumns(
            sum.rows(0, dKeyValues.dim(0)),
            shape.outSize(),
            dKeyValues,
            0,
            shape.keyValueSize(),
            Accumulate.ADD);
  }

  void finish() {
    kernels.elementwise().copy(operands.dQkv(), sum);
  }
}
