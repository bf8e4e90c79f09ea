package io.tanuki4j.backend.cpu;

import io.tanuki4j.backend.host.BlockStack;
import io.tanuki4j.kernel.MatmulKernels.Op;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;

/** The forward of tiles; tensors as in {@link io.tanuki4j.kernel.AttentionKernels}. */
record AttentionForward(AttentionTensors in, HeadVectors out, Tensor logSumExp) {

  /** Writes the outputs of the tile's queries. */
  void run(AttentionTile tile, Scratch scratch) {
    int queries = tile.numQueries();
    int keys = tile.numKeys();
    if (keys == 0) {
      seeNothing(tile, scratch);
      return;
    }
    int d = tile.head().headDim();
    DType dtype = out.tensor().dtype();
    BlockStack.Mark mark = scratch.memory().mark();
    Tensor scores = scratch.memory().push(Shape.of(queries, keys), dtype);
    Gemm.Matrix scoreMatrix = new Gemm.Matrix(scores, 0, keys, Op.NONE);
    new Gemm(dtype, queries, keys, d, 0)
        .run(tile.ofQueries(in.queries()), tile.ofKeys(in.keys()).transposed(), scoreMatrix);
    Row sums = scratch.row(1, scores);
    sums.fill(0, queries);
    for (int i = 0; i < queries; i++) {
      sums.set(i, exponentials(tile, i, scores, scratch));
    }
    new Gemm(dtype, queries, d, keys, 0)
        .run(scoreMatrix, tile.ofKeys(in.values()), tile.ofQueries(out));
    Row row = scratch.row(0, scores);
    for (int i = 0; i < queries; i++) {
      row.load(out.tensor(), tile.place(out, i), d);
      row.scale(1 / sums.get(i));
      row.store(out.tensor(), tile.place(out, i));
    }
    scratch.memory().backTo(mark);
  }

  private void seeNothing(AttentionTile tile, Scratch scratch) {
    tile.zeroQueries(out, scratch);
    for (int i = 0; i < tile.numQueries(); i++) {
      long place = tile.head().logSumExp(tile.from() + i);
      Elements.set(logSumExp, place, Double.NEGATIVE_INFINITY);
    }
  }

  /** Replaces a row of scores by unnormalised probabilities; returns their sum, 1 for no key. */
  private double exponentials(AttentionTile tile, int query, Tensor scores, Scratch scratch) {
    int hidden = tile.hiddenKeys(query);
    int visible = tile.visibleKeys(query);
    long first = (long) query * tile.numKeys();
    Row row = scratch.row(0, scores);
    if (hidden > 0) {
      row.fill(0, hidden);
      row.store(scores, first);
    }
    row.load(scores, first + hidden, visible);
    double max = tile.scale() * row.max();
    double sum = row.exp(tile.scale(), max);
    tile.drop(row, query);
    row.extend(tile.numKeys() - hidden);
    row.store(scores, first + hidden);
    long place = tile.head().logSumExp(tile.from() + query);
    Elements.set(logSumExp, place, max + Math.log(sum));
    return visible == 0 ? 1 : sum;
  }
}
