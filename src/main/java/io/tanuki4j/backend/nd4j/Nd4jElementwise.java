package io.tanuki4j.backend.nd4j;

import static io.tanuki4j.backend.nd4j.TensorArrays.matrix;
import static io.tanuki4j.backend.nd4j.TensorArrays.put;
import static io.tanuki4j.backend.nd4j.TensorArrays.row;
import static org.nd4j.linalg.indexing.NDArrayIndex.all;
import static org.nd4j.linalg.indexing.NDArrayIndex.interval;

import io.tanuki4j.backend.host.Expect;
import io.tanuki4j.backend.host.HostCopy;
import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.ElementwiseKernels;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Fill, copy, add, scale. */
final class Nd4jElementwise implements ElementwiseKernels {
  /** Elements filled at once. */
  private static final long PART = 1 << 20;

  @Override
  public void fill(Tensor out, double value) {
    TensorArrays.forEachPart(
        out,
        PART,
        (from, part) -> put(part, Nd4j.zeros(DataType.DOUBLE, part.numElements()).assign(value)));
  }

  @Override
  public void copy(Tensor out, Tensor in) {
    Expect.elements("out of copy", out, in.numElements());
    if (out.dtype() == in.dtype()) {
      HostCopy.between(out, in);
    } else if (in.numElements() > 0) {
      put(out, TensorArrays.of(in));
    }
  }

  @Override
  public void add(Tensor out, Tensor a, Tensor b) {
    if (out.numElements() > 0) {
      put(out, row(a).add(row(b)));
    }
  }

  @Override
  public void scale(Tensor x, double factor) {
    Expect.floatingPoint("x of scale", x);
    if (x.numElements() > 0) {
      DType computed = x.dtype().statisticsType();
      double rounded = computed == DType.F64 ? factor : (float) factor;
      put(x, TensorArrays.rounded(row(x).mul(rounded), computed));
    }
  }

  @Override
  public void sumParts(Tensor out, Tensor parts) {
    long size = out.numElements();
    Expect.sameType("parts of sumParts", parts, out);
    if (size > 0) {
      long numParts = parts.numElements() / size;
      Expect.elements("parts of sumParts", parts, numParts * size);
      Tensor rows = parts.reshape(Shape.of(numParts, size));
      TensorArrays.put(out, TensorArrays.matrix(rows).sum(true, 0));
    }
  }

  @Override
  public void copyColumns(
      Tensor out, int firstOut, Tensor in, int firstIn, int numColumns, Accumulate accumulate) {
    Expect.matrix("out of copyColumns", out, in.numElements() / in.dim(-1), out.dim(-1));
    Expect.columns("out of copyColumns", out, firstOut, numColumns);
    Expect.columns("in of copyColumns", in, firstIn, numColumns);
    INDArray all = matrix(out);
    INDArray target = all.get(all(), interval(firstOut, firstOut + numColumns));
    INDArray source = matrix(in).get(all(), interval(firstIn, firstIn + numColumns));
    target.assign(accumulate == Accumulate.ADD ? target.add(source) : source);
    put(out, all);
  }

  @Override
  public void addToRows(Tensor x, Tensor row) {
    put(x, matrix(x).add(row(row)));
  }

  @Override
  public void addSumOfRows(Tensor sum, Tensor x) {
    put(sum, row(sum).add(matrix(x).sum(true, 0)));
  }
}
