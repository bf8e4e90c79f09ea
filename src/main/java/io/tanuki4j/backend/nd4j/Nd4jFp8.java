package io.tanuki4j.backend.nd4j;

import static io.tanuki4j.backend.nd4j.TensorArrays.matrix;
import static io.tanuki4j.backend.nd4j.TensorArrays.row;
import static org.nd4j.linalg.indexing.NDArrayIndex.all;
import static org.nd4j.linalg.indexing.NDArrayIndex.point;

import io.tanuki4j.backend.host.BlockStack;
import io.tanuki4j.backend.host.CallChecks;
import io.tanuki4j.backend.host.Expect;
import io.tanuki4j.backend.host.UnfusedFp8;
import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Float8;
import io.tanuki4j.tensor.Tensor;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.BooleanIndexing;
import org.nd4j.linalg.indexing.conditions.Conditions;
import org.nd4j.linalg.ops.transforms.Transforms;

/** FP8 products and quantization, emulated. */
final class Nd4jFp8 extends UnfusedFp8 {
  Nd4jFp8(
      Nd4jElementwise elementwise, Nd4jNorm norm, Nd4jActivation activation, BlockStack scratch) {
    super(elementwise, norm, activation, () -> scratch);
  }

  @Override
  public void quantize(Target out, Tensor x) {
    INDArray values = matrix(x);
    CallChecks.quantized(out, values.size(0), values.size(1));
    double scale = TensorArrays.scalar(out.scale());
    INDArray scaled = TensorArrays.rounded(values.mul(scale), DType.F32);
    if (out.rows() != null) {
      TensorArrays.put(out.rows(), scaled);
    }
    if (out.columns() != null) {
      TensorArrays.put(out.columns(), scaled.transpose());
    }
    amax(out.amax(), x);
  }

  @Override
  public void transpose(Tensor out, Tensor in) {
    Expect.matrix("out of transpose", out, in.dim(-1), in.numElements() / in.dim(-1));
    Expect.dtype("out of transpose", out, in.dtype());
    INDArray codes = TensorArrays.typed(in).reshape(out.dim(-1), in.dim(-1));
    TensorArrays.write(out, codes.transpose());
  }

  @Override
  public void amax(Tensor amax, Tensor x) {
    INDArray magnitudes = Transforms.abs(matrix(x));
    BooleanIndexing.replaceWhere(magnitudes, 0, Conditions.isNan());
    BooleanIndexing.replaceWhere(magnitudes, 0, Conditions.isInfinite());
    double largest = magnitudes.maxNumber().doubleValue();
    TensorArrays.put(amax, Math.max(largest, TensorArrays.scalar(amax)));
  }

  @Override
  public void scales(Tensor scale, Tensor inverse, Tensor amax, Tensor limit) {
    // An amax of 0 stands for the limit, so that the scale becomes 1.
    INDArray most = row(amax);
    INDArray limits = row(limit);
    INDArray isZero = most.eq(0).castTo(most.dataType());
    INDArray quotient =
        TensorArrays.rounded(limits.div(most.add(limits.mul(isZero))), scale.dtype());
    INDArray made = Transforms.min(quotient, Float.MAX_VALUE);
    INDArray inverses = matrix(inverse);
    inverses.get(all(), point(0)).assign(made.rdiv(1).reshape(made.length()));
    TensorArrays.put(scale, made);
    TensorArrays.put(inverse, inverses);
  }

  @Override
  public void delayedScales(
      Tensor scale, Tensor inverse, Tensor history, Tensor amax, Tensor limit, Window window) {
    for (long i = 0; i < scale.numElements(); i++) {
      Tensor ofTensor = amax.rows(i, i + 1);
      double newest = TensorArrays.scalar(ofTensor);
      if (newest != 0) {
        double largest = moveOn(history.rows(i, i + 1), newest);
        TensorArrays.put(ofTensor, window == Window.MAX ? largest : newest);
        scales(scale.rows(i, i + 1), inverse.rows(i, i + 1), ofTensor, limit.rows(i, i + 1));
        TensorArrays.put(ofTensor, 0);
      }
    }
  }

  /** Drops the oldest entry and appends the newest; returns the largest. */
  private static double moveOn(Tensor history, double newest) {
    double[] entries = row(history).toDoubleVector();
    System.arraycopy(entries, 1, entries, 0, entries.length - 1);
    entries[entries.length - 1] = newest;
    INDArray moved = Nd4j.createFromArray(entries);
    TensorArrays.put(history, moved);
    return moved.maxNumber().doubleValue();
  }

  @Override
  public void tally(Tensor tally, Tensor x, Tensor scale) {
    INDArray magnitudes = Transforms.abs(TensorArrays.of(x));
    double clipped = count(magnitudes.eq(Float8.max(x.dtype())));
    double[] counts = {x.numElements(), clipped, count(magnitudes.eq(0)), 0};
    INDArray sums = row(tally).add(Nd4j.createFromArray(counts).reshape(1, TALLY_SIZE));
    sums.putScalar(0, TALLY_SIZE - 1, TensorArrays.scalar(scale));
    TensorArrays.put(tally, sums);
  }

  private static double count(INDArray which) {
    return which.castTo(DataType.DOUBLE).sumNumber().doubleValue();
  }

  @Override
  public void multiply(Tensor out, Operand a, Operand b, Sums sums, Accumulate accumulate) {
    double factor = TensorArrays.scalar(a.inverse()) * TensorArrays.scalar(b.inverse());
    INDArray product =
        Nd4j.matmul(matrix(a.values()), matrix(b.values()), false, true, false).mul(factor);
    TensorArrays.put(out, accumulate == Accumulate.ADD ? product.add(matrix(out)) : product);
  }
}
