package io.tanuki4j.backend.cuda;

import io.tanuki4j.kernel.AttentionKernels;
import io.tanuki4j.kernel.AttentionKernels.AttentionBlock;
import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.kernel.AttentionMask;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.util.HashSet;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Attention: cuDNN's in sixteen bits where it supports the shape, our plain kernels otherwise. The
 * log mentions each such shape that takes the plain kernels once.
 */
final class CudaAttention implements AttentionKernels, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(CudaAttention.class);

  private static final String LIMITS =
      "the fast ones take sequences of a multiple of 128 tokens and head dims of a multiple of 8 up"
          + " to 128, with --attention-dropout 0, and documents (--reset-attention-mask) only where a"
          + " rank has whole sequences (--context-parallel-size 1)";

  private final CudnnAttention fast;
  private final PlainAttention plain;
  private final Set<AttentionForm> slowForms = new HashSet<>();

  CudaAttention(CudnnAttention fast, PlainAttention plain) {
    this.fast = fast;
    this.plain = plain;
  }

  @Override
  public void causalAttentionForward(
      Tensor out, Tensor logSumExp, Tensor qkv, AttentionShape shape, AttentionMask mask) {
    checkQueries(out, "out", logSumExp, qkv, shape);
    AttentionCall call = causal(out, logSumExp, qkv, shape, mask);
    choose(call).forward(call);
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
    checkQueries(out, "out", logSumExp, qkv, shape);
    checkQueries(dOut, "dOut", logSumExp, dQkv, shape);
    Expect.sameType("dQkv of attention", dQkv, qkv);
    AttentionCall call = causal(out, logSumExp, qkv, shape, mask);
    choose(call).backward(call, AttentionOperands.packed(dQkv, shape), Address.of(dOut));
  }

  static AttentionCall causal(
      Tensor out, Tensor logSumExp, Tensor qkv, AttentionShape shape, AttentionMask mask) {
    AttentionForm form = AttentionForm.causal(shape, mask);
    return new AttentionCall(
        form,
        qkv.dtype(),
        AttentionOperands.packed(qkv, shape),
        Address.of(out),
        Address.of(logSumExp),
        MaskOperands.of(mask, form));
  }

  @Override
  public void blockAttentionForward(
      Tensor out,
      Tensor logSumExp,
      Tensor qkv,
      Tensor keyValues,
      AttentionBlock block,
      AttentionMask mask) {
    checkQueries(out, "out", logSumExp, qkv, block.queries());
    checkKeyValues(keyValues, "keys and values", qkv, block);
    AttentionCall call = block(out, logSumExp, qkv, keyValues, block, mask);
    choose(call).forward(call);
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
    AttentionShape queries = block.queries();
    checkQueries(out, "out", logSumExp, qkv, queries);
    checkQueries(dOut, "dOut", logSumExp, qkv, queries);
    checkQueries(dQueries, "dQueries", logSumExp, qkv, queries);
    checkKeyValues(keyValues, "keys and values", qkv, block);
    checkKeyValues(dKeyValues, "dKeyValues", qkv, block);
    AttentionCall call = block(out, logSumExp, qkv, keyValues, block, mask);
    AttentionOperands gradients = AttentionOperands.apart(dQueries, dKeyValues, queries);
    choose(call).backward(call, gradients, Address.of(dOut));
  }

  private static AttentionCall block(
      Tensor out,
      Tensor logSumExp,
      Tensor qkv,
      Tensor keyValues,
      AttentionBlock block,
      AttentionMask mask) {
    AttentionForm form = AttentionForm.of(block, mask);
    return new AttentionCall(
        form,
        qkv.dtype(),
        AttentionOperands.apart(qkv, keyValues, block.queries()),
        Address.of(out),
        Address.of(logSumExp),
        MaskOperands.of(mask, form));
  }

  @Override
  public void mergeAttention(
      Tensor out, Tensor logSumExp, Tensor partOut, Tensor partLogSumExp, AttentionShape shape) {
    long tokens = (long) shape.seqLength() * shape.batchSize();
    long part = partOut.dim(0) * shape.batchSize();
    Expect.computeType("partOut of attention", partOut);
    Expect.matrix("out of attention", out, tokens, shape.outSize());
    Expect.matrix("partOut of attention", partOut, Math.min(part, tokens), shape.outSize());
    Expect.elements("logSumExp of attention", logSumExp, tokens * shape.numHeads());
    Expect.elements("partLogSumExp of attention", partLogSumExp, part * shape.numHeads());
    Expect.sumType("out of attention", out, partOut);
    for (Tensor sums : new Tensor[] {logSumExp, partLogSumExp}) {
      Expect.dtype("merged attention", sums, DType.F32);
    }
    plain.merge(out, logSumExp, partOut, partLogSumExp, shape);
  }

  private AttentionEngine choose(AttentionCall call) {
    String obstacle = CudnnAttention.takes(call) ? fast.refusal(call) : LIMITS;
    if (obstacle.isEmpty()) {
      return fast;
    }
    if (call.type().isFloat16() && slowForms.add(call.form())) {
      LOG.warn("attention over {} runs on slow kernels: {}", call.form(), obstacle);
    }
    return plain;
  }

  private static void checkQueries(
      Tensor out, String name, Tensor logSumExp, Tensor qkv, AttentionShape shape) {
    long tokens = (long) shape.seqLength() * shape.batchSize();
    Expect.computeType("qkv of attention", qkv);
    Expect.matrix("qkv of attention", qkv, tokens, shape.qkvSize());
    Expect.matrix(name + " of attention", out, tokens, shape.outSize());
    Expect.sameType(name + " of attention", out, qkv);
    Expect.elements("logSumExp of attention", logSumExp, tokens * shape.numHeads());
    Expect.dtype("logSumExp of attention", logSumExp, DType.F32);
  }

  private static void checkKeyValues(
      Tensor keyValues, String name, Tensor qkv, AttentionBlock block) {
    long tokens = (long) block.numKeys() * block.queries().batchSize();
    Expect.matrix(name + " of attention", keyValues, tokens, block.keyValueSize());
    Expect.sameType(name + " of attention", keyValues, qkv);
  }

  @Override
  public void close() {
    fast.close();
  }
}
