package io.tanuki4j.backend.nd4j;

import io.tanuki4j.kernel.OptimizerKernels;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Norm, clip factor and AdamW over flat buffers, by parts of a fixed size. */
final class Nd4jOptimizer implements OptimizerKernels {
  /** Elements of a part; a multiple of 4, as the random bits require. */
  private static final long PART = 1 << 20;

  private static final double CLIP_EPSILON = 1e-6;

  @Override
  public void sumOfSquares(Tensor out, Tensor x) {
    TensorArrays.forEachPart(
        x,
        PART,
        (from, part) -> {
          INDArray values = TensorArrays.of(part);
          double sum = values.mul(values).sumNumber().doubleValue();
          TensorArrays.put(out, TensorArrays.scalar(out) + sum);
        });
  }

  @Override
  public void clipFactor(
      Tensor norm, Tensor factor, Tensor sumOfSquares, double maxNorm, double lossScale) {
    double value = Math.sqrt(TensorArrays.scalar(sumOfSquares)) / lossScale;
    TensorArrays.put(norm, value);
    double clip = Math.min(1, maxNorm / (value + CLIP_EPSILON));
    TensorArrays.put(factor, Double.isFinite(value) ? clip / lossScale : Double.NaN);
  }

  @Override
  public void adamW(
      Tensor weight,
      Tensor master,
      Tensor firstMoment,
      Tensor secondMoment,
      Tensor grad,
      Tensor factor,
      AdamWStep step) {
    double clip = TensorArrays.scalar(factor);
    if (Double.isNaN(clip)) {
      return;
    }
    TensorArrays.forEachPart(
        master,
        PART,
        (from, w) -> {
          long to = from + w.numElements();
          Tensor m = flat(firstMoment).rows(from, to);
          Tensor v = flat(secondMoment).rows(from, to);
          INDArray g = TensorArrays.of(flat(grad).rows(from, to)).mul(clip);
          update(w, m, v, g, step, step.firstElement() + from);
          if (!weight.buffer().equals(master.buffer())
              || weight.byteOffset() != master.byteOffset()) {
            TensorArrays.put(flat(weight).rows(from, to), TensorArrays.of(w));
          }
        });
  }

  private static Tensor flat(Tensor tensor) {
    return tensor.reshape(Shape.of(tensor.numElements()));
  }

  /** Updates some elements, the first of which has this index. */
  private static void update(
      Tensor master, Tensor first, Tensor second, INDArray g, AdamWStep step, long index) {
    INDArray m = mixed(TensorArrays.of(first), g, step.beta1());
    INDArray v = mixed(TensorArrays.of(second), g.mul(g), step.beta2());
    INDArray mHat = m.div(1 - Math.pow(step.beta1(), step.iteration()));
    INDArray vHat = v.div(1 - Math.pow(step.beta2(), step.iteration()));
    INDArray w = TensorArrays.of(master);
    INDArray change =
        mHat.div(Transforms.sqrt(vHat).add(step.epsilon())).add(w.mul(step.weightDecay()));
    INDArray updated = w.sub(change.mul(step.learningRate()));
    StochasticRounding rounding = new StochasticRounding(step.iteration(), index);
    TensorArrays.put(first, m);
    TensorArrays.put(second, second.dtype() == DType.BF16 ? rounding.ofSecondMoment(v) : v);
    TensorArrays.put(master, master.dtype() == DType.BF16 ? rounding.ofMaster(updated) : updated);
  }

  /** Returns {@code beta · old + (1 − beta) · added}. */
  private static INDArray mixed(INDArray old, INDArray added, double beta) {
    return old.mul(beta).add(added.mul(1 - beta));
  }
}
