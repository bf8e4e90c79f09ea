package io.tanuki4j.backend.nd4j;

import io.tanuki4j.kernel.MatmulKernels.Op;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;

/** The forward of tiles; tensors as in {@link io.tanuki4j.kernel.AttentionKernels}. */
record AttentionForward(Tensor out, Tensor logSumExp, Tensor qkv) {

  /** Writes the outputs of the tile's queries. */
  void run(AttentionTile tile, Scratch scratch) {
    AttentionHead head = tile.head();
    int queries = tile.numQueries();
    int keys = tile.numKeys();
    int d = head.shape().headDim();
    BlockStack.Mark mark = scratch.memory().mark();
    Tensor scores = scratch.memory().push(Shape.of(queries, keys), qkv.dtype());
    Gemm.Matrix scoreMatrix = new Gemm.Matrix(scores, 0, keys, Op.NONE);
    new Gemm(qkv.dtype(), queries, keys, d, 0)
        .run(
            new Gemm.Matrix(qkv, head.query(tile.from()), head.qkvStride(), Op.NONE),
            new Gemm.Matrix(qkv, head.key(0), head.qkvStride(), Op.TRANSPOSE),
            scoreMatrix);
    Row sums = scratch.row(1, qkv);
    sums.fill(0, queries);
    for (int i = 0; i < queries; i++) {
      sums.set(i, exponentials(tile, i, scores, scratch));
    }
    new Gemm(qkv.dtype(), queries, d, keys, 0)
        .run(
            scoreMatrix,
            new Gemm.Matrix(qkv, head.value(0), head.qkvStride(), Op.NONE),
            new Gemm.Matrix(out, head.out(tile.from()), head.outStride(), Op.NONE));
    Row row = scratch.row(0, qkv);
    for (int i = 0; i < queries; i++) {
      row.load(out, head.out(tile.from() + i), d);
      row.scale(1 / sums.get(i));
      row.store(out, head.out(tile.from() + i));
    }
    scratch.memory().backTo(mark);
  }

  /** Replaces a row of scores by probabilities times their sum; returns the sum. */
  private double exponentials(AttentionTile tile, int query, Tensor scores, Scratch scratch) {
    int keys = tile.numKeys();
    Row row = scratch.row(0, qkv);
    row.load(scores, (long) query * keys, tile.visibleKeys(query));
    double max = tile.scale() * row.max();
    double sum = row.exp(tile.scale(), max);
    row.extend(keys);
    row.store(scores, (long) query * keys);
    long place = tile.head().logSumExp(tile.from() + query);
    Elements.set(logSumExp, place, max + Math.log(sum));
    return sum;
  }
}
