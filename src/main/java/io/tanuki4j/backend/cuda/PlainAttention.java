package io.tanuki4j.backend.cuda;

import io.tanuki4j.kernel.AttentionKernels;
import io.tanuki4j.kernel.AttentionShape;
import io.tanuki4j.tensor.Tensor;

/** Attention by kernels of our own, for what cuDNN does not take; see attention.cu. */
final class PlainAttention implements AttentionKernels {
  private static final int THREADS = 128;
  private static final int MAX_HEAD_DIM = 256;

  private final CudaModules modules;
  private final CudaWorkspace workspace;

  PlainAttention(CudaModules modules, CudaWorkspace workspace) {
    this.modules = modules;
    this.workspace = workspace;
  }

  @Override
  public void causalAttentionForward(
      Tensor out, Tensor logSumExp, Tensor qkv, AttentionShape shape) {
    requireHeadDim(shape);
    CudaFunction function = function(qkv, "attention_forward");
    function.arg(out).arg(logSumExp).arg(qkv);
    addShape(function, shape).arg(scale(shape));
    launch(function, shape, shape.numHeads());
  }

  @Override
  public void causalAttentionBackward(
      Tensor dQkv, Tensor dOut, Tensor out, Tensor logSumExp, Tensor qkv, AttentionShape shape) {
    requireHeadDim(shape);
    long delta = workspace.reserve(logSumExp.numBytes());
    CudaFunction rowSums = function(qkv, "attention_delta");
    rowSums.arg(delta).arg(dOut).arg(out);
    launch(addShape(rowSums, shape), shape, shape.numHeads());
    launchPart(
        "attention_backward_query", shape.numHeads(), dQkv, dOut, delta, logSumExp, qkv, shape);
    launchPart(
        "attention_backward_key", shape.numQueryGroups(), dQkv, dOut, delta, logSumExp, qkv, shape);
  }

  private void launchPart(
      String name,
      int heads,
      Tensor dQkv,
      Tensor dOut,
      long delta,
      Tensor logSumExp,
      Tensor qkv,
      AttentionShape shape) {
    CudaFunction function = function(qkv, name);
    function.arg(dQkv).arg(dOut).arg(delta).arg(logSumExp).arg(qkv);
    addShape(function, shape).arg(scale(shape));
    launch(function, shape, heads);
  }

  private CudaFunction function(Tensor qkv, String name) {
    return modules.function(new RowVariant("attention", qkv.dtype(), 1), name);
  }

  private static CudaFunction addShape(CudaFunction function, AttentionShape shape) {
    function.arg(shape.seqLength()).arg(shape.batchSize()).arg(shape.numHeads());
    return function.arg(shape.numQueryGroups()).arg(shape.headDim());
  }

  private static void launch(CudaFunction function, AttentionShape shape, int heads) {
    function.launch(shape.seqLength(), heads, shape.batchSize(), THREADS, 1);
  }

  private static float scale(AttentionShape shape) {
    return (float) (1 / Math.sqrt(shape.headDim()));
  }

  private static void requireHeadDim(AttentionShape shape) {
    if (shape.headDim() > MAX_HEAD_DIM) {
      throw new IllegalArgumentException(
          "head dim %d of attention (expected: at most %d)"
              .formatted(shape.headDim(), MAX_HEAD_DIM));
    }
  }
}
