package io.tanuki4j.backend.nd4j;

import static org.nd4j.linalg.indexing.NDArrayIndex.all;
import static org.nd4j.linalg.indexing.NDArrayIndex.interval;

import io.tanuki4j.backend.host.CallChecks;
import io.tanuki4j.backend.host.DropoutFactors;
import io.tanuki4j.kernel.AttentionKernels;
import io.tanuki4j.kernel.AttentionKernels.AttentionBlock;
import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.kernel.AttentionMask;
import io.tanuki4j.tensor.Tensor;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Attention with the whole matrix of probabilities of all heads. */
final class Nd4jAttention implements AttentionKernels {
  @Override
  public void causalAttentionForward(
      Tensor out, Tensor logSumExp, Tensor qkv, AttentionShape shape, AttentionMask mask) {
    CallChecks.attention(out, logSumExp, qkv, shape);
    new Attention(
            shape, MaskArrays.causal(mask, shape), kept(mask, shape, shape.seqLength()), qkv, qkv)
        .forward(out, logSumExp);
  }

  @Override
  public void blockAttentionForward(
      Tensor out,
      Tensor logSumExp,
      Tensor qkv,
      Tensor keyValues,
      AttentionBlock block,
      AttentionMask mask) {
    CallChecks.attention(out, logSumExp, qkv, block.queries());
    CallChecks.keyValues(keyValues, qkv, block);
    new Attention(
            block.queries(),
            MaskArrays.ofBlock(mask, block),
            kept(mask, block.queries(), block.numKeys()),
            qkv,
            keyValues)
        .forward(out, logSumExp);
  }

  @Override
  public void causalAttentionBackward(
      Tensor dQkv,
      Tensor dOut,
      Tensor out,
      Tensor logSumExp,
      Tensor qkv,
      AttentionShape shape,
      AttentionMask mask) {
    CallChecks.attention(out, logSumExp, qkv, shape);
    CallChecks.attention(dOut, logSumExp, dQkv, shape);
    Attention attention =
        new Attention(
            shape, MaskArrays.causal(mask, shape), kept(mask, shape, shape.seqLength()), qkv, qkv);
    Gradients gradients = attention.backward(dOut, out, logSumExp);
    TensorArrays.put(dQkv, attention.heads().packed(gradients.queries(), gradients.keyValues()));
  }

  @Override
  public void blockAttentionBackward(
      Tensor dQueries,
      Tensor dKeyValues,
      Tensor dOut,
      Tensor out,
      Tensor logSumExp,
      Tensor qkv,
      Tensor keyValues,
      AttentionBlock block,
      AttentionMask mask) {
    AttentionShape shape = block.queries();
    CallChecks.attention(out, logSumExp, qkv, shape);
    CallChecks.attention(dOut, logSumExp, qkv, shape);
    CallChecks.attention(dQueries, logSumExp, qkv, shape);
    CallChecks.keyValues(keyValues, qkv, block);
    CallChecks.keyValues(dKeyValues, qkv, block);
    Attention attention =
        new Attention(
            shape,
            MaskArrays.ofBlock(mask, block),
            kept(mask, shape, block.numKeys()),
            qkv,
            keyValues);
    Gradients gradients = attention.backward(dOut, out, logSumExp);
    TensorArrays.put(dQueries, attention.heads().byToken(gradients.queries(), shape.numHeads()));
    TensorArrays.put(dKeyValues, gradients.keyValues());
  }

  /** Returns what a dropout multiplies probabilities by, {@code [b, g, r·q, k]}; null for none. */
  private static @Nullable INDArray kept(AttentionMask mask, AttentionShape shape, int numKeys) {
    if (mask.dropout() == null) {
      return null;
    }
    DropoutFactors factors = new DropoutFactors(mask.dropout());
    int[] queries = positions(mask.queryPositions(), shape.seqLength());
    int[] keys = positions(mask.keyPositions(), numKeys);
    double[] ofScores =
        new double[shape.batchSize() * shape.numHeads() * queries.length * keys.length];
    for (int i = 0; i < ofScores.length; i++) {
      int row = i / keys.length;
      int head = row / queries.length;
      ofScores[i] =
          factors.of(
              keys[i % keys.length],
              queries[row % queries.length],
              head / shape.numHeads(),
              mask.firstHead() + head % shape.numHeads());
    }
    return Nd4j.createFromArray(ofScores)
        .reshape(
            shape.batchSize(),
            shape.numQueryGroups(),
            shape.numHeads() / shape.numQueryGroups() * queries.length,
            keys.length);
  }

  private static int[] positions(@Nullable Tensor positions, int length) {
    return positions == null
        ? IntStream.range(0, length).toArray()
        : TensorArrays.of(positions).toIntVector();
  }

  /**
   * @param queries {@code [b, g, r·q, d]}
   * @param keyValues {@code [k, b, 2g, d]}
   */
  private record Gradients(INDArray queries, INDArray keyValues) {}

  /**
   * The operands of a call.
   *
   * @param mask a summand of the scores, {@code [b, 1, 1, q, k]}
   * @param kept a factor of the probabilities, {@code [b, g, r·q, k]}; null if none is dropped
   * @param queries {@code [b, g, r·q, d]}
   * @param keys {@code [b, g, k, d]}
   * @param values {@code [b, g, k, d]}
   */
  private record Attention(
      HeadArrays heads,
      INDArray mask,
      @Nullable INDArray kept,
      INDArray queries,
      INDArray keys,
      INDArray values) {
    Attention(
        AttentionShape shape,
        INDArray mask,
        @Nullable INDArray kept,
        Tensor qkv,
        Tensor keyValues) {
      this(new HeadArrays(shape), mask, kept, qkv, keyValues);
    }

    private Attention(
        HeadArrays heads, INDArray mask, @Nullable INDArray kept, Tensor qkv, Tensor keyValues) {
      this(heads, mask, kept, heads.queries(qkv), heads.keys(keyValues), heads.values(keyValues));
    }

    void forward(Tensor out, Tensor logSumExp) {
      INDArray scores = scores();
      INDArray max = MaskArrays.finite(scores.max(true, 3));
      INDArray exponentials = Transforms.exp(scores.sub(max));
      INDArray sum = exponentials.sum(true, 3);
      INDArray p = exponentials.div(MaskArrays.notZero(sum));
      INDArray result = Nd4j.matmul(drop(p), values, false, false, false);
      TensorArrays.put(out, heads.byToken(result, heads.shape().numHeads()));
      TensorArrays.put(logSumExp, max.add(Transforms.log(sum)));
    }

    Gradients backward(Tensor dOut, Tensor out, Tensor logSumExp) {
      INDArray grad = heads.byGroup(heads.perToken(dOut));
      INDArray result = heads.byGroup(heads.perToken(out));
      INDArray whole = MaskArrays.finite(heads.perQuery(logSumExp));
      INDArray p = Transforms.exp(scores().sub(whole));
      INDArray dP = drop(Nd4j.matmul(grad, values, false, true, false));
      INDArray mean = grad.mul(result).sum(true, 3);
      INDArray dScores = p.mul(dP.sub(mean)).mul(scale());
      INDArray dQueries = Nd4j.matmul(dScores, keys, false, false, false);
      INDArray dKeys = Nd4j.matmul(dScores, queries, true, false, false);
      INDArray dValues = Nd4j.matmul(drop(p), grad, true, false, false);
      return new Gradients(dQueries, heads.keyValues(dKeys, dValues));
    }

    /** Returns the masked scores, {@code [b, g, r·q, k]}. */
    private INDArray scores() {
      INDArray scores = Nd4j.matmul(queries, keys, false, true, false).mul(scale());
      long q = mask.size(3);
      return scores
          .reshape(scores.size(0), scores.size(1), scores.size(2) / q, q, scores.size(3))
          .add(mask)
          .reshape(scores.shape());
    }

    private INDArray drop(INDArray probabilities) {
      return kept == null
          ? probabilities
          : probabilities.mul(kept.castTo(probabilities.dataType()));
    }

    private double scale() {
      return 1 / Math.sqrt(heads.shape().headDim());
    }
  }

  @Override
  public void mergeAttention(
      Tensor out, Tensor logSumExp, Tensor partOut, Tensor partLogSumExp, AttentionShape shape) {
    CallChecks.mergedAttention(out, logSumExp, partOut, partLogSumExp, shape);
    long s = shape.seqLength();
    long first = s - partOut.dim(0);
    HeadArrays heads = new HeadArrays(shape);
    INDArray sums = TensorArrays.of(logSumExp).reshape(shape.batchSize(), shape.numHeads(), s);
    INDArray before = sums.get(all(), all(), interval(first, s));
    INDArray added = TensorArrays.of(partLogSumExp).reshape(before.shape());
    INDArray larger = MaskArrays.finite(Transforms.max(before, added));
    INDArray both = Transforms.exp(before.sub(larger)).add(Transforms.exp(added.sub(larger)));
    INDArray merged = larger.add(Transforms.log(both));
    INDArray whole = MaskArrays.finite(merged);
    INDArray outs = heads.perToken(out);
    INDArray sum = outs.get(interval(first, s), all(), all(), all());
    INDArray kept = sum.mul(weights(before.sub(whole)));
    sum.assign(kept.add(heads.perToken(partOut).mul(weights(added.sub(whole)))));
    before.assign(merged);
    TensorArrays.put(out, outs);
    TensorArrays.put(logSumExp, sums);
  }

  /** Returns the exponentials of {@code [b, n, q]} as {@code [q, b, n, 1]}. */
  private static INDArray weights(INDArray logarithms) {
    INDArray perToken = Transforms.exp(logarithms).permute(2, 0, 1).dup('c');
    return perToken.reshape(perToken.size(0), perToken.size(1), perToken.size(2), 1);
  }
}
