package io.tanuki4j.backend.cuda;

import io.tanuki4j.kernel.AttentionKernels;
import io.tanuki4j.kernel.AttentionShape;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.util.HashSet;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Attention: cuDNN's in BF16 where it takes the shape, our plain kernels otherwise, which the log
 * says once for each such shape in BF16.
 */
final class CudaAttention implements AttentionKernels, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(CudaAttention.class);

  private final CudnnAttention fast;
  private final PlainAttention plain;
  private final Set<AttentionShape> slowShapes = new HashSet<>();

  CudaAttention(CudnnAttention fast, PlainAttention plain) {
    this.fast = fast;
    this.plain = plain;
  }

  @Override
  public void causalAttentionForward(
      Tensor out, Tensor logSumExp, Tensor qkv, AttentionShape shape) {
    check(out, "out", logSumExp, qkv, shape);
    choose(qkv, shape).causalAttentionForward(out, logSumExp, qkv, shape);
  }

  @Override
  public void causalAttentionBackward(
      Tensor dQkv, Tensor dOut, Tensor out, Tensor logSumExp, Tensor qkv, AttentionShape shape) {
    check(out, "out", logSumExp, qkv, shape);
    check(dOut, "dOut", logSumExp, dQkv, shape);
    Expect.sameType("dQkv of attention", dQkv, qkv);
    choose(qkv, shape).causalAttentionBackward(dQkv, dOut, out, logSumExp, qkv, shape);
  }

  private AttentionKernels choose(Tensor qkv, AttentionShape shape) {
    if (CudnnAttention.takes(qkv.dtype(), shape)) {
      return fast;
    }
    if (qkv.dtype() == DType.BF16 && slowShapes.add(shape)) {
      LOG.warn(
          "attention over {} runs on slow kernels: the fast ones take sequences of a multiple of"
              + " 128 tokens and head dims of a multiple of 8 up to 128",
          shape);
    }
    return plain;
  }

  private static void check(
      Tensor out, String name, Tensor logSumExp, Tensor qkv, AttentionShape shape) {
    long tokens = (long) shape.seqLength() * shape.batchSize();
    Expect.computeType("qkv of attention", qkv);
    Expect.matrix("qkv of attention", qkv, tokens, shape.qkvSize());
    Expect.matrix(name + " of attention", out, tokens, shape.outSize());
    Expect.sameType(name + " of attention", out, qkv);
    Expect.elements("logSumExp of attention", logSumExp, tokens * shape.numHeads());
    Expect.dtype("logSumExp of attention", logSumExp, DType.F32);
  }

  @Override
  public void close() {
    fast.close();
  }
}
