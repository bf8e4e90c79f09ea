package io.tanuki4j.backend.nd4j;

import static io.tanuki4j.backend.nd4j.TensorArrays.column;
import static io.tanuki4j.backend.nd4j.TensorArrays.matrix;
import static io.tanuki4j.backend.nd4j.TensorArrays.row;

import io.tanuki4j.kernel.NormKernels;
import io.tanuki4j.tensor.Tensor;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;

/** RMSNorm. */
final class Nd4jNorm implements NormKernels {
  @Override
  public void rmsNormForward(Tensor out, Tensor rstd, Tensor x, Tensor weight, double epsilon) {
    TensorArrays.put(out, normed(rstd, x, weight, epsilon));
  }

  @Override
  public void addRmsNormForward(
      Tensor sum, Tensor out, Tensor rstd, Tensor x, Tensor delta, Tensor weight, double epsilon) {
    TensorArrays.put(sum, matrix(x).add(matrix(delta)));
    rmsNormForward(out, rstd, sum, weight, epsilon);
  }

  /** Returns the normalized rows, and writes the reciprocal of each one's root mean square. */
  static INDArray normed(Tensor rstd, Tensor x, Tensor weight, double epsilon) {
    INDArray in = matrix(x);
    INDArray meanSquare = in.mul(in).sum(true, 1).div(x.dim(-1));
    INDArray r = Transforms.sqrt(meanSquare.add(epsilon)).rdiv(1);
    TensorArrays.put(rstd, r);
    return in.mul(r).mul(row(weight));
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
    INDArray in = matrix(x);
    INDArray grad = matrix(dOut);
    INDArray r = column(rstd);
    INDArray u = grad.mul(row(weight));
    INDArray mean = u.mul(in).sum(true, 1).div(x.dim(-1));
    INDArray result = u.sub(in.mul(r).mul(r).mul(mean)).mul(r);
    TensorArrays.put(dWeight, row(dWeight).add(grad.mul(in).mul(r).sum(true, 0)));
    TensorArrays.put(dx, residual == null ? result : result.add(matrix(residual)));
  }
}
