package io.tanuki4j.backend.cuda;

import io.tanuki4j.kernel.RandomKernels;
import io.tanuki4j.tensor.Tensor;

/** Initial weights; see normal.cu. */
final class CudaRandom implements RandomKernels {
  private static final int THREADS = 256;

  private final CudaModules modules;

  CudaRandom(CudaModules modules) {
    this.modules = modules;
  }

  @Override
  public void fillNormal(
      Tensor out,
      long key,
      long firstRow,
      long firstColumn,
      long globalColumns,
      double standardDeviation) {
    Expect.computeType("out of fillNormal", out);
    long columns = Expect.columns(out);
    CudaFunction function =
        modules.function(new RowVariant("normal", out.dtype(), 1), "fill_normal");
    function.arg(out).arg(key).arg(firstRow).arg(firstColumn).arg(globalColumns).arg(columns);
    function.arg(out.numElements()).arg(standardDeviation);
    function.launch(Vectors.ceilDiv(out.numElements(), THREADS), THREADS);
  }
}
