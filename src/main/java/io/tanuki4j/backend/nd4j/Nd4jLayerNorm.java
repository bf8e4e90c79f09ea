package io.tanuki4j.backend.nd4j;

import static io.tanuki4j.backend.nd4j.TensorArrays.matrix;
import static io.tanuki4j.backend.nd4j.TensorArrays.row;

import io.tanuki4j.kernel.LayerNormKernels;
import io.tanuki4j.tensor.Tensor;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.ops.transforms.Transforms;

/** LayerNorm. */
final class Nd4jLayerNorm implements LayerNormKernels {
  @Override
  public void layerNormForward(
      Tensor out, Tensor statistics, Tensor x, Tensor weight, Tensor bias, double epsilon) {
    INDArray in = matrix(x);
    INDArray mean = mean(in);
    INDArray centred = in.sub(mean);
    INDArray rstd = Transforms.sqrt(mean(centred.mul(centred)).add(epsilon)).rdiv(1);
    TensorArrays.put(statistics, Nd4j.concat(1, mean, rstd));
    TensorArrays.put(out, centred.mul(rstd).mul(row(weight)).add(row(bias)));
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
    INDArray both = TensorArrays.of(statistics).reshape(statistics.numElements() / 2, 2);
    INDArray rstd = both.get(NDArrayIndex.all(), NDArrayIndex.interval(1, 2));
    INDArray n = matrix(x).sub(both.get(NDArrayIndex.all(), NDArrayIndex.interval(0, 1))).mul(rstd);
    INDArray grad = matrix(dOut);
    INDArray u = grad.mul(row(weight));
    INDArray result = u.sub(mean(u)).sub(n.mul(mean(u.mul(n)))).mul(rstd);
    TensorArrays.put(dWeight, row(dWeight).add(grad.mul(n).sum(true, 0)));
    TensorArrays.put(dBias, row(dBias).add(grad.sum(true, 0)));
    TensorArrays.put(dx, residual == null ? result : result.add(matrix(residual)));
  }

  private static INDArray mean(INDArray rows) {
    return rows.sum(true, 1).div(rows.size(1));
  }
}
