package io.tanuki4j.backend.cuda;

import io.tanuki4j.kernel.LossKernels;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;

/** Cross entropy and z-loss; see loss.cu. */
final class CudaLoss implements LossKernels {
  static final int MAX_THREADS = 1024;
  private static final int WARP = 32;

  private final CudaModules modules;
  private final CudaWorkspace workspace;

  CudaLoss(CudaModules modules, CudaWorkspace workspace) {
    this.modules = modules;
    this.workspace = workspace;
  }

  @Override
  public void crossEntropyForward(
      Tensor sums, Tensor logits, Tensor targets, Tensor lossMask, double zLoss) {
    RowVariant variant = check(sums, logits, targets, lossMask);
    long rowSums = reserveRowSums(logits);
    CudaFunction function = modules.function(variant, "cross_entropy_forward");
    function.arg(rowSums).arg(logits).arg(targets).arg(lossMask);
    function.arg(Expect.columns(logits)).arg((float) zLoss);
    function.launch(Expect.rows(logits), threads(logits, variant.vector()));
    addRowSums(sums, rowSums, variant, logits);
  }

  @Override
  public void crossEntropyForwardBackward(
      Tensor sums, Tensor logits, Tensor targets, Tensor lossMask, Tensor gradScale, double zLoss) {
    RowVariant variant = check(sums, logits, targets, lossMask);
    Expect.elements("gradScale of crossEntropy", gradScale, 1);
    Expect.dtype("gradScale of crossEntropy", gradScale, DType.F64);
    long rowSums = reserveRowSums(logits);
    CudaFunction function = modules.function(variant, "cross_entropy_forward_backward");
    function.arg(rowSums).arg(logits).arg(targets).arg(lossMask).arg(gradScale);
    function.arg(Expect.columns(logits)).arg((float) zLoss);
    function.launch(Expect.rows(logits), threads(logits, variant.vector()));
    addRowSums(sums, rowSums, variant, logits);
  }

  private long reserveRowSums(Tensor logits) {
    return workspace.reserve(Expect.rows(logits) * NUM_SUMS * Double.BYTES);
  }

  private void addRowSums(Tensor sums, long rowSums, RowVariant variant, Tensor logits) {
    CudaFunction function = modules.function(variant, "add_row_sums");
    function.arg(sums).arg(rowSums).arg(Expect.rows(logits)).launch(1, MAX_THREADS);
  }

  /** Returns the threads of the block of one token. */
  static int threads(Tensor logits, int vector) {
    long accesses = Vectors.ceilDiv(Expect.columns(logits), vector);
    return (int) Math.min(MAX_THREADS, Vectors.ceilDiv(accesses, WARP) * WARP);
  }

  private static RowVariant check(Tensor sums, Tensor logits, Tensor targets, Tensor lossMask) {
    Expect.computeType("logits of crossEntropy", logits);
    Expect.elements("sums of crossEntropy", sums, NUM_SUMS);
    Expect.dtype("sums of crossEntropy", sums, DType.F64);
    Expect.elements("targets of crossEntropy", targets, Expect.rows(logits));
    Expect.dtype("targets of crossEntropy", targets, DType.I32);
    Expect.elements("lossMask of crossEntropy", lossMask, Expect.rows(logits));
    Expect.dtype("lossMask of crossEntropy", lossMask, DType.F32);
    return variant(logits);
  }

  static RowVariant variant(Tensor logits) {
    int vector = Vectors.width(logits.dtype(), Expect.columns(logits), logits);
    return new RowVariant("loss", logits.dtype(), vector);
  }
}
