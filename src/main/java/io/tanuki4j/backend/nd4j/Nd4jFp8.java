package io.tanuki4j.backend.nd4j;

import static io.tanuki4j.backend.nd4j.TensorArrays.matrix;
import static io.tanuki4j.backend.nd4j.TensorArrays.put;
import static io.tanuki4j.backend.nd4j.TensorArrays.rounded;
import static io.tanuki4j.backend.nd4j.TensorArrays.row;
import static io.tanuki4j.backend.nd4j.TensorArrays.scalar;
import static org.nd4j.linalg.indexing.NDArrayIndex.all;
import static org.nd4j.linalg.indexing.NDArrayIndex.point;

import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.Fp8Kernels;
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
final class Nd4jFp8 implements Fp8Kernels {
  @Override
  public void quantize(Target out, Tensor x) {
    quantize(out, matrix(x));
  }

  @Override
  public void quantizeRmsNorm(Target out, Tensor rstd, Tensor x, Tensor weight, double epsilon) {
    quantize(out, rounded(Nd4jNorm.normed(rstd, x, weight, epsilon), x.dtype()));
  }

  @Override
  public void quantizeAddRmsNorm(
      Target out, Tensor sum, Tensor rstd, Tensor x, Tensor delta, Tensor weight, double epsilon) {
    put(sum, matrix(x).add(matrix(delta)));
    quantizeRmsNorm(out, rstd, sum, weight, epsilon);
  }

  @Override
  public void quantizeSwiGlu(Target out, Tensor gateUp) {
    quantize(out, rounded(Nd4jActivation.swiGlu(gateUp), gateUp.dtype()));
  }

  @Override
  public void quantizeSwiGluBackward(Target dGateUp, Tensor dOut, Tensor gateUp) {
    quantize(dGateUp, rounded(Nd4jActivation.swiGluGradient(dOut, gateUp), gateUp.dtype()));
  }

  private static void quantize(Target out, INDArray values) {
    INDArray scaled = rounded(values.mul(scalar(out.scale())), DType.F32);
    if (out.rows() != null) {
      put(out.rows(), scaled);
    }
    if (out.columns() != null) {
      put(out.columns(), scaled.transpose());
    }
    raise(out.amax(), values);
  }

  @Override
  public void transpose(Tensor out, Tensor in) {
    INDArray codes = TensorArrays.typed(in).reshape(out.dim(-1), in.dim(-1));
    TensorArrays.write(out, codes.transpose());
  }

  @Override
  public void amax(Tensor amax, Tensor x) {
    raise(amax, matrix(x));
  }

  private static void raise(Tensor amax, INDArray values) {
    INDArray magnitudes = Transforms.abs(values);
    BooleanIndexing.replaceWhere(magnitudes, 0, Conditions.isNan());
    BooleanIndexing.replaceWhere(magnitudes, 0, Conditions.isInfinite());
    put(amax, Math.max(magnitudes.maxNumber().doubleValue(), scalar(amax)));
  }

  @Override
  public void scales(Tensor scale, Tensor inverse, Tensor amax, Tensor limit) {
    // An amax of 0 stands for the limit, so that the scale becomes 1.
    INDArray most = row(amax);
    INDArray limits = row(limit);
    INDArray isZero = most.eq(0).castTo(most.dataType());
    INDArray quotient = rounded(limits.div(most.add(limits.mul(isZero))), scale.dtype());
    INDArray made = Transforms.min(quotient, Float.MAX_VALUE);
    INDArray inverses = matrix(inverse);
    inverses.get(all(), point(0)).assign(made.rdiv(1).reshape(made.length()));
    put(scale, made);
    put(inverse, inverses);
  }

  @Override
  public void delayedScales(
      Tensor scale, Tensor inverse, Tensor history, Tensor amax, Tensor limit, Window window) {
    for (long i = 0; i < scale.numElements(); i++) {
      Tensor ofTensor = amax.rows(i, i + 1);
      double newest = scalar(ofTensor);
      if (newest != 0) {
        double largest = moveOn(history.rows(i, i + 1), newest);
        put(ofTensor, window == Window.MAX ? largest : newest);
        scales(scale.rows(i, i + 1), inverse.rows(i, i + 1), ofTensor, limit.rows(i, i + 1));
        put(ofTensor, 0);
      }
    }
  }

  /** Drops the oldest entry and appends the newest; returns the largest. */
  private static double moveOn(Tensor history, double newest) {
    double[] entries = row(history).toDoubleVector();
    System.arraycopy(entries, 1, entries, 0, entries.length - 1);
    entries[entries.length - 1] = newest;
    INDArray moved = Nd4j.createFromArray(entries);
    put(history, moved);
    return moved.maxNumber().doubleValue();
  }

  @Override
  public void tally(Tensor tally, Tensor x, Tensor scale) {
    INDArray magnitudes = Transforms.abs(TensorArrays.of(x));
    double clipped = count(magnitudes.eq(Float8.max(x.dtype())));
    double[] counts = {x.numElements(), clipped, count(magnitudes.eq(0)), 0};
    INDArray sums = row(tally).add(Nd4j.createFromArray(counts).reshape(1, TALLY_SIZE));
    sums.putScalar(0, TALLY_SIZE - 1, scalar(scale));
    put(tally, sums);
  }

  private static double count(INDArray which) {
    return which.castTo(DataType.DOUBLE).sumNumber().doubleValue();
  }

  @Override
  public void multiply(Tensor out, Operand a, Operand b, Sums sums, Accumulate accumulate) {
    double factor = scalar(a.inverse()) * scalar(b.inverse());
    INDArray product =
        Nd4j.matmul(matrix(a.values()), matrix(b.values()), false, true, false).mul(factor);
    put(out, accumulate == Accumulate.ADD ? product.add(matrix(out)) : product);
  }
}
