package io.tanuki4j.backend.cuda;

import io.tanuki4j.kernel.Dropout;
import io.tanuki4j.kernel.RandomKernels;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;

/** Initial weights, see normal.cu, and dropout, see dropout.cu. */
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

  @Override
  public void dropout(Tensor out, Tensor x, Tensor positions, Dropout dropout) {
    Expect.computeType("x of dropout", x);
    Expect.elements("out of dropout", out, x.numElements());
    Expect.sameType("out of dropout", out, x);
    Expect.dtype("positions of dropout", positions, DType.I32);
    int columns = Expect.columns(x);
    long tokens = x.numElements() / columns;
    long batchSize = tokens / positions.numElements();
    Expect.elements("samples of dropout", dropout.samples(), batchSize);
    Expect.dtype("samples of dropout", dropout.samples(), DType.I64);
    CudaFunction function = modules.function(new RowVariant("dropout", x.dtype(), 1), "dropout");
    function.arg(out).arg(x).arg(dropout.samples()).arg(positions);
    function.arg(dropout.key()).arg(dropout.keptBelow()).arg((float) dropout.factor());
    long count = tokens * Vectors.ceilDiv(columns, 4);
    function.arg((int) batchSize).arg(columns).arg(count);
    function.launch(Vectors.ceilDiv(count, THREADS), THREADS);
  }
}
