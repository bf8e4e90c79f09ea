package io.tanuki4j.backend.cpu;

import io.tanuki4j.backend.host.BlockStack;
import io.tanuki4j.kernel.MatmulKernels.Op;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.List;

/**
 * The backward of tiles (equations of FlashAttention, Dao et al., 2022); tensors as in {@link
 * io.tanuki4j.kernel.AttentionKernels}.
 */
record AttentionBackward(
    AttentionTensors gradients,
    AttentionTensors in,
    HeadVectors dOut,
    HeadVectors out,
    Tensor logSumExp) {

  /**
   * Writes the gradients of all query heads of a group, and of their key and value head. The first
   * tile reaches all keys and overwrites their gradients; the others add to them. With documents no
   * tile reaches all keys, so the gradients begin at zero.
   *
   * @param index of the group, counted through all sequences
   */
  void runGroup(AttentionSpan span, int index, Scratch scratch) {
    int headsPerGroup = span.queries().numHeads() / span.queries().numQueryGroups();
    int lastTile = AttentionTile.perHead(span) - 1;
    boolean zeroed = span.hasDocuments();
    if (zeroed) {
      zeroKeys(span, AttentionHead.of(span, index * headsPerGroup), scratch);
    }
    for (int i = 0; i < headsPerGroup; i++) {
      AttentionHead head = AttentionHead.of(span, index * headsPerGroup + i);
      for (int tile = lastTile; tile >= 0; tile--) {
        boolean overwrites = !zeroed && i == 0 && tile == lastTile;
        run(AttentionTile.of(head, tile), overwrites ? 0 : 1, scratch);
      }
    }
  }

  private void zeroKeys(AttentionSpan span, AttentionHead head, Scratch scratch) {
    for (HeadVectors vectors : List.of(gradients.keys(), gradients.values())) {
      Row zeros = scratch.row(0, vectors.tensor());
      zeros.fill(0, head.headDim());
      for (int key = 0; key < span.numKeys(); key++) {
        zeros.store(vectors.tensor(), vectors.place(key, head.sequence(), head.group()));
      }
    }
  }

  private void run(AttentionTile tile, double keep, Scratch scratch) {
    int queries = tile.numQueries();
    int keys = tile.numKeys();
    if (keys == 0) {
      tile.zeroQueries(gradients.queries(), scratch);
      return;
    }
    int d = tile.head().headDim();
    DType dtype = out.tensor().dtype();
    BlockStack.Mark mark = scratch.memory().mark();
    Tensor p = scratch.memory().push(Shape.of(queries, keys), dtype);
    Tensor dScores = scratch.memory().push(Shape.of(queries, keys), dtype);

    Gemm.Matrix query = tile.ofQueries(in.queries());
    Gemm.Matrix key = tile.ofKeys(in.keys());
    Gemm.Matrix value = tile.ofKeys(in.values());
    Gemm.Matrix grad = tile.ofQueries(dOut);
    Gemm.Matrix pMatrix = new Gemm.Matrix(p, 0, keys, Op.NONE);
    Gemm.Matrix dScoreMatrix = new Gemm.Matrix(dScores, 0, keys, Op.NONE);

    Gemm toScores = new Gemm(dtype, queries, keys, d, 0);
    toScores.run(query, key.transposed(), pMatrix);
    toScores.run(grad, value.transposed(), dScoreMatrix);
    for (int i = 0; i < queries; i++) {
      throughSoftmax(tile, i, p, dScores, scratch);
    }
    Gemm toKeys = new Gemm(dtype, keys, d, queries, keep);
    toKeys.run(pMatrix.transposed(), grad, tile.ofKeys(gradients.values()));
    toKeys.run(dScoreMatrix.transposed(), query, tile.ofKeys(gradients.keys()));
    new Gemm(dtype, queries, d, keys, 0)
        .run(dScoreMatrix, key, tile.ofQueries(gradients.queries()));
    scratch.memory().backTo(mark);
  }

  /**
   * Replaces a row of scores by probabilities, and a row of gradients of probabilities by gradients
   * of scores. What a dropout drops or scales in the probabilities, it drops or scales in their
   * gradients.
   */
  private void throughSoftmax(
      AttentionTile tile, int query, Tensor p, Tensor dScores, Scratch scratch) {
    AttentionHead head = tile.head();
    int hidden = tile.hiddenKeys(query);
    int visible = tile.visibleKeys(query);
    long start = (long) query * tile.numKeys();
    long first = start + hidden;
    Row grad = scratch.row(0, p);
    Row row = scratch.row(1, p);
    grad.load(dOut.tensor(), tile.place(dOut, query), head.headDim());
    row.load(out.tensor(), tile.place(out, query), head.headDim());
    double mean = grad.dot(row);
    row.load(p, first, visible);
    row.exp(tile.scale(), Elements.get(logSumExp, head.logSumExp(tile.from() + query)));
    grad.load(dScores, first, visible);
    tile.drop(grad, query);
    grad.softmaxGradient(tile.scale(), row, mean);
    tile.drop(row, query);
    row.extend(tile.numKeys() - hidden);
    row.store(p, first);
    grad.extend(tile.numKeys() - hidden);
    grad.store(dScores, first);
    if (hidden > 0) {
      row.fill(0, hidden);
      row.store(p, start);
      row.store(dScores, start);
    }
  }
}
