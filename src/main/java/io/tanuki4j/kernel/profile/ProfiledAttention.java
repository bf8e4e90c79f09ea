package io.tanuki4j.kernel.profile;

import io.tanuki4j.kernel.AttentionKernels;
import io.tanuki4j.kernel.AttentionKernels.AttentionBlock;
import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.kernel.AttentionMask;
import io.tanuki4j.tensor.Tensor;

/** Times each call of another {@link AttentionKernels}, and states its least cost. */
record ProfiledAttention(AttentionKernels kernels, CallRecorder recorder)
    implements AttentionKernels {
  /** Scores and values of the forward. */
  private static final int ATTENTION_FORWARD_PRODUCTS = 2;

  /** The gradients of queries, keys, values and probabilities, and the scores again. */
  private static final int ATTENTION_BACKWARD_PRODUCTS = 5;

  @Override
  public void causalAttentionForward(
      Tensor out, Tensor logSumExp, Tensor qkv, AttentionShape shape, AttentionMask mask) {
    recorder.time(
        () -> costOfCausalAttentionForward(out, logSumExp, qkv, shape),
        () -> kernels.causalAttentionForward(out, logSumExp, qkv, shape, mask));
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
    recorder.time(
        () -> costOfCausalAttentionBackward(dQkv, dOut, out, logSumExp, shape),
        () -> kernels.causalAttentionBackward(dQkv, dOut, out, logSumExp, qkv, shape, mask));
  }

  @Override
  public void blockAttentionForward(
      Tensor out,
      Tensor logSumExp,
      Tensor qkv,
      Tensor keyValues,
      AttentionBlock block,
      AttentionMask mask) {
    recorder.time(
        () -> costOfBlockAttentionForward(out, logSumExp, keyValues, block),
        () -> kernels.blockAttentionForward(out, logSumExp, qkv, keyValues, block, mask));
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
    recorder.time(
        () -> costOfBlockAttentionBackward(dQueries, dKeyValues, dOut, out, logSumExp, block),
        () ->
            kernels.blockAttentionBackward(
                dQueries, dKeyValues, dOut, out, logSumExp, qkv, keyValues, block, mask));
  }

  @Override
  public void mergeAttention(
      Tensor out, Tensor logSumExp, Tensor partOut, Tensor partLogSumExp, AttentionShape shape) {
    recorder.time(
        () -> costOfMergeAttention(out, partOut, partLogSumExp),
        () -> kernels.mergeAttention(out, logSumExp, partOut, partLogSumExp, shape));
  }

  static KernelCall costOfCausalAttentionForward(
      Tensor out, Tensor logSumExp, Tensor qkv, AttentionShape shape) {
    return costOfAttention(
        "causalAttentionForward",
        shape,
        ATTENTION_FORWARD_PRODUCTS,
        Cost.bytes(out, logSumExp, qkv));
  }

  static KernelCall costOfCausalAttentionBackward(
      Tensor dQkv, Tensor dOut, Tensor out, Tensor logSumExp, AttentionShape shape) {
    double bytes = 2 * Cost.bytes(dQkv) + Cost.bytes(dOut, out, logSumExp);
    return costOfAttention("causalAttentionBackward", shape, ATTENTION_BACKWARD_PRODUCTS, bytes);
  }

  /**
   * Returns the cost of causal attention. Half of the s·s pairs count, as in {@code
   * model.FlopsPerToken}.
   */
  private static KernelCall costOfAttention(
      String operation, AttentionShape shape, int products, double bytes) {
    double pairs = 0.5 * shape.seqLength() * shape.seqLength();
    return costOfAttention(operation, "s " + shape.seqLength(), shape, products * pairs, bytes);
  }

  static KernelCall costOfBlockAttentionForward(
      Tensor out, Tensor logSumExp, Tensor keyValues, AttentionBlock block) {
    double bytes = 2 * Cost.bytes(out) + Cost.bytes(logSumExp, keyValues);
    return costOfAttention("blockAttentionForward", block, ATTENTION_FORWARD_PRODUCTS, bytes);
  }

  static KernelCall costOfBlockAttentionBackward(
      Tensor dQueries,
      Tensor dKeyValues,
      Tensor dOut,
      Tensor out,
      Tensor logSumExp,
      AttentionBlock block) {
    double bytes = 2 * Cost.bytes(dQueries, dKeyValues) + Cost.bytes(dOut, out, logSumExp);
    return costOfAttention("blockAttentionBackward", block, ATTENTION_BACKWARD_PRODUCTS, bytes);
  }

  private static KernelCall costOfAttention(
      String operation, AttentionBlock block, int products, double bytes) {
    AttentionShape queries = block.queries();
    double pairs = (double) queries.seqLength() * block.numKeys();
    String sizes = "q %d, k %d".formatted(queries.seqLength(), block.numKeys());
    return costOfAttention(operation, sizes, queries, products * pairs, bytes);
  }

  /**
   * @param products of vectors of a head: pairs of tokens times matrix products
   */
  private static KernelCall costOfAttention(
      String operation, String sizes, AttentionShape shape, double products, double bytes) {
    double flops = 2.0 * products * shape.batchSize() * shape.outSize();
    String text =
        "%s, b %d, n %d, g %d, d %d"
            .formatted(
                sizes,
                shape.batchSize(),
                shape.numHeads(),
                shape.numQueryGroups(),
                shape.headDim());
    return new KernelCall(KernelFamily.ATTENTION, operation, text, flops, bytes);
  }

  /**
   * Returns the cost of a merge. Only the part's queries are moved; the old and the new logarithms
   * both count.
   */
  static KernelCall costOfMergeAttention(Tensor out, Tensor partOut, Tensor partLogSumExp) {
    double merged = (double) partOut.numElements() * out.dtype().bytes();
    double bytes = 2 * merged + Cost.bytes(partOut) + 3 * Cost.bytes(partLogSumExp);
    return Cost.moved(KernelFamily.ATTENTION, "mergeAttention", partOut, bytes);
  }
}
