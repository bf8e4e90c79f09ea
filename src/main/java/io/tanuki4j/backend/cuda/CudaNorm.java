package io.tanuki4j.backend.cuda;

import io.tanuki4j.kernel.NormKernels;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** RMSNorm; see rmsnorm.cu. */
final class CudaNorm implements NormKernels {
  private static final int TILE = 32;

  private final CudaModules modules;
  private final CudaWorkspace workspace;
  private final int multiprocessors;

  CudaNorm(CudaModules modules, CudaWorkspace workspace, int multiprocessors) {
    this.modules = modules;
    this.workspace = workspace;
    this.multiprocessors = multiprocessors;
  }

  @Override
  public void rmsNormForward(Tensor out, Tensor rstd, Tensor x, Tensor weight, double epsilon) {
    checkForward(out, rstd, x, weight);
    long rows = Expect.rows(x);
    int columns = Expect.columns(x);
    int vector = Vectors.width(x.dtype(), columns, out, x, weight);
    NormVariant variant = NormVariant.of(x.dtype(), DType.F32, vector, columns);
    CudaFunction function = modules.function(variant, "rms_norm_forward");
    function.arg(out).arg(rstd).arg(x).arg(weight).arg(columns).arg(rows).arg((float) epsilon);
    function.launch(Vectors.ceilDiv(rows, variant.rows()), 1, 1, variant.threads(), variant.rows());
  }

  @Override
  public void addRmsNormForward(
      Tensor sum, Tensor out, Tensor rstd, Tensor x, Tensor delta, Tensor weight, double epsilon) {
    checkForward(out, rstd, x, weight);
    long rows = Expect.rows(x);
    int columns = Expect.columns(x);
    checkSum(sum, x, delta);
    int vector = Vectors.width(x.dtype(), columns, sum, out, x, delta, weight);
    NormVariant variant = NormVariant.of(x.dtype(), DType.F32, vector, columns);
    CudaFunction function = modules.function(variant, "add_rms_norm_forward");
    function.arg(sum).arg(out).arg(rstd).arg(x).arg(delta).arg(weight);
    function.arg(columns).arg(rows).arg((float) epsilon);
    function.launch(Vectors.ceilDiv(rows, variant.rows()), 1, 1, variant.threads(), variant.rows());
  }

  static void checkSum(Tensor sum, Tensor x, Tensor delta) {
    Expect.matrix("sum of addRmsNorm", sum, Expect.rows(x), Expect.columns(x));
    Expect.sameType("sum of addRmsNorm", sum, x);
    Expect.matrix("delta of addRmsNorm", delta, Expect.rows(x), Expect.columns(x));
    Expect.sameType("delta of addRmsNorm", delta, x);
  }

  private static void checkForward(Tensor out, Tensor rstd, Tensor x, Tensor weight) {
    Expect.computeType("x of rmsNorm", x);
    Expect.matrix("out of rmsNorm", out, Expect.rows(x), Expect.columns(x));
    Expect.sameType("out of rmsNorm", out, x);
    checkStatistics(rstd, x, weight);
  }

  static void checkStatistics(Tensor rstd, Tensor x, Tensor weight) {
    Expect.elements("rstd of rmsNorm", rstd, Expect.rows(x));
    Expect.dtype("rstd of rmsNorm", rstd, DType.F32);
    Expect.elements("weight of rmsNorm", weight, Expect.columns(x));
    Expect.sameType("weight of rmsNorm", weight, x);
  }

  @Override
  public void rmsNormBackward(
      Tensor dx,
      Tensor dWeight,
      Tensor dOut,
      Tensor x,
      Tensor rstd,
      Tensor weight,
      @Nullable Tensor residual) {
    checkBackward(dx, dWeight, dOut, x, rstd, weight);
    if (residual != null) {
      checkLike("residual", residual, x);
    }
    long rows = Expect.rows(x);
    int columns = Expect.columns(x);
    Tensor base = residual == null ? dx : residual;
    int vector = Vectors.width(x.dtype(), columns, dx, base, dOut, x, weight);
    NormVariant variant = NormVariant.of(x.dtype(), dWeight.dtype(), vector, columns);
    CudaFunction function =
        modules.function(variant, residual == null ? "rms_norm_backward" : "rms_norm_backward_add");
    long blocks = backwardBlocks(function, variant, rows);
    long parts = blocks * variant.rows();
    long partial = workspace.reserve(parts * columns * Float.BYTES);
    function.arg(dx).arg(partial).arg(base).arg(dOut).arg(x).arg(rstd).arg(weight);
    function.arg(columns).arg(rows);
    function.launch(blocks, 1, 1, variant.threads(), variant.rows());

    CudaFunction sum = modules.function(variant, "rms_norm_weight_gradient");
    sum.arg(dWeight).arg(partial).arg(columns).arg(parts);
    sum.launch(Vectors.ceilDiv(columns, TILE), 1, 1, TILE, TILE);
  }

  /**
   * Returns as many blocks as run at a time, so that each keeps its part of dWeight in registers to
   * the end.
   */
  private long backwardBlocks(CudaFunction function, NormVariant variant, long rows) {
    int threads = variant.threads() * variant.rows();
    long atATime = (long) function.blocksPerMultiprocessor(threads) * multiprocessors;
    return Math.min(atATime, Vectors.ceilDiv(rows, variant.rows()));
  }

  private static void checkBackward(
      Tensor dx, Tensor dWeight, Tensor dOut, Tensor x, Tensor rstd, Tensor weight) {
    Expect.computeType("x of rmsNorm", x);
    checkLike("dx", dx, x);
    checkLike("dOut", dOut, x);
    Expect.elements("dWeight of rmsNorm", dWeight, Expect.columns(x));
    Expect.sumType("dWeight of rmsNorm", dWeight, x);
    checkStatistics(rstd, x, weight);
  }

  private static void checkLike(String name, Tensor tensor, Tensor x) {
    Expect.matrix(name + " of rmsNorm", tensor, Expect.rows(x), Expect.columns(x));
    Expect.sameType(name + " of rmsNorm", tensor, x);
  }
}
