package io.tanuki4j.backend.nd4j;

import static io.tanuki4j.backend.nd4j.TensorArrays.put;
import static org.nd4j.linalg.indexing.NDArrayIndex.all;
import static org.nd4j.linalg.indexing.NDArrayIndex.interval;

import io.tanuki4j.kernel.AttentionKernels;
import io.tanuki4j.kernel.AttentionMask;
import io.tanuki4j.tensor.Tensor;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Attention with the whole matrix of probabilities of all heads. */
final class Nd4jAttention implements AttentionKernels {
  @Override
  public void causalAttentionForward(
      Tensor out, Tensor logSumExp, Tensor qkv, AttentionShape shape, AttentionMask mask) {
    causal(qkv, shape, mask).forward(out, logSumExp);
  }

  @Override
  public void blockAttentionForward(
      Tensor out,
      Tensor logSumExp,
      Tensor qkv,
      Tensor keyValues,
      AttentionBlock block,
      AttentionMask mask) {
    ofBlock(qkv, keyValues, block, mask).forward(out, logSumExp);
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
    Gradients gradients = causal(qkv, shape, mask).backward(dOut, out, logSumExp);
    put(dQkv, Nd4j.concat(2, gradients.queries(), gradients.keyValues()));
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
    Gradients gradients = ofBlock(qkv, keyValues, block, mask).backward(dOut, out, logSumExp);
    put(dQueries, gradients.queries());
    put(dKeyValues, gradients.keyValues());
  }

  private static Attention causal(Tensor qkv, AttentionShape shape, AttentionMask mask) {
    MaskArrays masks = new MaskArrays(mask, shape, shape.seqLength());
    return attention(qkv, qkv, masks, masks.causal());
  }

  private static Attention ofBlock(
      Tensor qkv, Tensor keyValues, AttentionBlock block, AttentionMask mask) {
    MaskArrays masks = new MaskArrays(mask, block.queries(), block.numKeys());
    return attention(qkv, keyValues, masks, masks.allKeys());
  }

  private static Attention attention(
      Tensor qkv, Tensor keyValues, MaskArrays masks, INDArray mask) {
    HeadArrays heads = new HeadArrays(masks.shape());
    return new Attention(
        heads,
        mask,
        masks.dropout(),
        heads.queries(qkv),
        heads.keys(keyValues),
        heads.values(keyValues));
  }

  /**
   * @param queries {@code [q, b, n, d]}
   * @param keyValues {@code [k, b, 2g, d]}
   */
  private record Gradients(INDArray queries, INDArray keyValues) {}

  /**
   * The operands of a call.
   *
   * @param mask a summand of the scores, {@code [b or 1, 1, 1, q, k]}
   * @param dropout a factor of the probabilities, {@code [b or 1, g or 1, r·q or 1, k or 1]}
   * @param queries {@code [b, g, r·q, d]}
   * @param keys {@code [b, g, k, d]}
   * @param values {@code [b, g, k, d]}
   */
  private record Attention(
      HeadArrays heads,
      INDArray mask,
      INDArray dropout,
      INDArray queries,
      INDArray keys,
      INDArray values) {
    void forward(Tensor out, Tensor logSumExp) {
      INDArray scores = scores();
      INDArray max = MaskArrays.finite(scores.max(true, 3));
      INDArray exponentials = Transforms.exp(scores.sub(max));
      INDArray sum = exponentials.sum(true, 3);
      INDArray p = exponentials.div(MaskArrays.notZero(sum)).mul(dropout);
      INDArray result = Nd4j.matmul(p, values, false, false, false);
      put(out, heads.byToken(result, heads.shape().numHeads()));
      put(logSumExp, max.add(Transforms.log(sum)));
    }

    Gradients backward(Tensor dOut, Tensor out, Tensor logSumExp) {
      AttentionShape shape = heads.shape();
      INDArray grad = heads.byGroup(heads.perToken(dOut));
      INDArray result = heads.byGroup(heads.perToken(out));
      INDArray whole = MaskArrays.finite(heads.perQuery(logSumExp));
      INDArray p = Transforms.exp(scores().sub(whole));
      INDArray dP = Nd4j.matmul(grad, values, false, true, false).mul(dropout);
      INDArray mean = grad.mul(result).sum(true, 3);
      INDArray dScores = p.mul(dP.sub(mean)).mul(scale());
      INDArray dQueries = Nd4j.matmul(dScores, keys, false, false, false);
      INDArray dKeys = Nd4j.matmul(dScores, queries, true, false, false);
      INDArray dValues = Nd4j.matmul(p.mul(dropout), grad, true, false, false);
      int g = shape.numQueryGroups();
      return new Gradients(
          heads.byToken(dQueries, shape.numHeads()),
          Nd4j.concat(2, heads.byToken(dKeys, g), heads.byToken(dValues, g)));
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

    private double scale() {
      return 1 / Math.sqrt(heads.shape().headDim());
    }
  }

  @Override
  public void mergeAttention(
      Tensor out, Tensor logSumExp, Tensor partOut, Tensor partLogSumExp, AttentionShape shape) {
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
    put(out, outs);
    put(logSumExp, sums);
  }

  /** Returns the exponentials of {@code [b, n, q]} as {@code [q, b, n, 1]}. */
  private static INDArray weights(INDArray logarithms) {
    INDArray perToken = Transforms.exp(logarithms).permute(2, 0, 1).dup('c');
    return perToken.reshape(perToken.size(0), perToken.size(1), perToken.size(2), 1);
  }
}
