package io.tanuki4j.backend.cuda;

import static io.tanuki4j.kernel.LayerNormKernels.NUM_STATISTICS;

import io.tanuki4j.kernel.LayerNormKernels;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** LayerNorm; see layernorm.cu. */
final class CudaLayerNorm implements LayerNormKernels {
  private static final int THREADS = 256;

  private final CudaModules modules;
  private final CudaWorkspace workspace;

  CudaLayerNorm(CudaModules modules, CudaWorkspace workspace) {
    this.modules = modules;
    this.workspace = workspace;
  }

  @Override
  public void layerNormForward(
      Tensor out, Tensor statistics, Tensor x, Tensor weight, Tensor bias, double epsilon) {
    check("out", out, statistics, x, weight);
    Expect.elements("bias of layerNorm", bias, Expect.columns(x));
    Expect.sameType("bias of layerNorm", bias, x);
    int columns = Expect.columns(x);
    int vector = Vectors.width(x.dtype(), columns, out, x, weight, bias);
    CudaFunction function = function(DType.F32, x, vector, "layer_norm_forward");
    function.arg(out).arg(statistics).arg(x).arg(weight).arg(bias);
    function.arg(columns).arg((float) epsilon).launch(Expect.rows(x), THREADS);
  }

  @Override
  public void layerNormBackward(
      Tensor dx,
      Tensor dWeight,
      Tensor dBias,
      Tensor dOut,
      Tensor x,
      Tensor statistics,
      Tensor weight,
      @Nullable Tensor residual) {
    check("dx", dx, statistics, x, weight);
    check("dOut", dOut, statistics, x, weight);
    if (residual != null) {
      check("residual", residual, statistics, x, weight);
    }
    int columns = Expect.columns(x);
    Expect.elements("dWeight of layerNorm", dWeight, columns);
    Expect.sumType("dWeight of layerNorm", dWeight, x);
    Expect.elements("dBias of layerNorm", dBias, columns);
    Expect.sameType("dBias of layerNorm", dBias, dWeight);
    addWeightGradients(dWeight, dBias, dOut, x, statistics);
    Tensor base = residual == null ? dx : residual;
    int vector = Vectors.width(x.dtype(), columns, dx, base, dOut, x, weight);
    String name = residual == null ? "layer_norm_backward" : "layer_norm_backward_add";
    CudaFunction function = function(dWeight.dtype(), x, vector, name);
    function.arg(dx).arg(base).arg(dOut).arg(x).arg(statistics).arg(weight).arg(columns);
    function.launch(Expect.rows(x), THREADS);
  }

  private void addWeightGradients(
      Tensor dWeight, Tensor dBias, Tensor dOut, Tensor x, Tensor statistics) {
    RowParts parts = RowParts.of(Expect.rows(x), Expect.columns(x));
    long partial = workspace.reserve(2 * parts.bytes());
    CudaFunction sums = function(dWeight.dtype(), x, 1, "layer_norm_partial_sums");
    sums.arg(partial).arg(dOut).arg(x).arg(statistics).arg(parts.columns()).arg(parts.rows());
    parts.launch(sums);
    CudaFunction total = function(dWeight.dtype(), x, 1, "layer_norm_weight_gradients");
    total.arg(dWeight).arg(dBias).arg(partial).arg(parts.columns()).arg(parts.count());
    total.launch(Vectors.ceilDiv(parts.columns(), THREADS), THREADS);
  }

  private CudaFunction function(DType grad, Tensor x, int vector, String name) {
    return modules.function(PairVariant.rowSums("layernorm", grad, x.dtype(), vector), name);
  }

  private static void check(String name, Tensor like, Tensor statistics, Tensor x, Tensor weight) {
    Expect.computeType("x of layerNorm", x);
    Expect.matrix(name + " of layerNorm", like, Expect.rows(x), Expect.columns(x));
    Expect.sameType(name + " of layerNorm", like, x);
    Expect.elements("statistics of layerNorm", statistics, NUM_STATISTICS * Expect.rows(x));
    Expect.dtype("statistics of layerNorm", statistics, DType.F32);
    Expect.elements("weight of layerNorm", weight, Expect.columns(x));
    Expect.sameType("weight of layerNorm", weight, x);
  }
}
