package io.tanuki4j.backend.nd4j;

import io.tanuki4j.kernel.AttentionShape;
import io.tanuki4j.kernel.MatmulKernels.Op;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;

/**
 * The backward of tiles (equations of FlashAttention, Dao et al., 2022); tensors as in {@link
 * io.tanuki4j.kernel.AttentionKernels}.
 */
record AttentionBackward(Tensor dQkv, Tensor dOut, Tensor out, Tensor logSumExp, Tensor qkv) {

  /**
   * Writes the gradients of all query heads of a group, and of their key and value head. The tile
   * that comes first reaches all keys and overwrites their gradients, the others add to them.
   *
   * @param index of the group, counted through all sequences
   */
  void runGroup(AttentionShape shape, int index, Scratch scratch) {
    int headsPerGroup = shape.numHeads() / shape.numQueryGroups();
    int lastTile = AttentionTile.perHead(shape) - 1;
    for (int i = 0; i < headsPerGroup; i++) {
      AttentionHead head = AttentionHead.of(shape, index * headsPerGroup + i);
      for (int tile = lastTile; tile >= 0; tile--) {
        run(AttentionTile.of(head, tile), i == 0 && tile == lastTile ? 0 : 1, scratch);
      }
    }
  }

  private void run(AttentionTile tile, double keep, Scratch scratch) {
    AttentionHead head = tile.head();
    int queries = tile.numQueries();
    int keys = tile.numKeys();
    int d = head.shape().headDim();
    BlockStack.Mark mark = scratch.memory().mark();
    Tensor p = scratch.memory().push(Shape.of(queries, keys), qkv.dtype());
    Tensor dScores = scratch.memory().push(Shape.of(queries, keys), qkv.dtype());

    Gemm.Matrix query = new Gemm.Matrix(qkv, head.query(tile.from()), head.qkvStride(), Op.NONE);
    Gemm.Matrix key = new Gemm.Matrix(qkv, head.key(0), head.qkvStride(), Op.NONE);
    Gemm.Matrix value = new Gemm.Matrix(qkv, head.value(0), head.qkvStride(), Op.NONE);
    Gemm.Matrix grad = new Gemm.Matrix(dOut, head.out(tile.from()), head.outStride(), Op.NONE);
    Gemm.Matrix pMatrix = new Gemm.Matrix(p, 0, keys, Op.NONE);
    Gemm.Matrix dScoreMatrix = new Gemm.Matrix(dScores, 0, keys, Op.NONE);

    Gemm toScores = new Gemm(qkv.dtype(), queries, keys, d, 0);
    toScores.run(query, key.transposed(), pMatrix);
    toScores.run(grad, value.transposed(), dScoreMatrix);
    for (int i = 0; i < queries; i++) {
      throughSoftmax(tile, i, p, dScores, scratch);
    }
    Gemm toKeys = new Gemm(qkv.dtype(), keys, d, queries, keep);
    toKeys.run(pMatrix.transposed(), grad, value.in(dQkv));
    toKeys.run(dScoreMatrix.transposed(), query, key.in(dQkv));
    new Gemm(qkv.dtype(), queries, d, keys, 0).run(dScoreMatrix, key, query.in(dQkv));
    scratch.memory().backTo(mark);
  }

  /**
   * Replaces a row of scores by probabilities, and a row of gradients of probabilities by gradients
   * of scores.
   */
  private void throughSoftmax(
      AttentionTile tile, int query, Tensor p, Tensor dScores, Scratch scratch) {
    AttentionHead head = tile.head();
    int position = tile.from() + query;
    int visible = tile.visibleKeys(query);
    long first = (long) query * tile.numKeys();
    Row grad = scratch.row(0, qkv);
    Row row = scratch.row(1, qkv);
    grad.load(dOut, head.out(position), head.shape().headDim());
    row.load(out, head.out(position), head.shape().headDim());
    double mean = grad.dot(row);
    row.load(p, first, visible);
    row.exp(tile.scale(), Elements.get(logSumExp, head.logSumExp(position)));
    grad.load(dScores, first, visible);
    grad.softmaxGradient(tile.scale(), row, mean);
    row.extend(tile.numKeys());
    row.store(p, first);
    grad.extend(tile.numKeys());
    grad.store(dScores, first);
  }
}
