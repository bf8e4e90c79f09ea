package io.tanuki4j.nn;

import static io.tanuki4j.kernel.MatmulKernels.Op.NONE;
import static io.tanuki4j.kernel.MatmulKernels.Op.TRANSPOSE;

import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.MatmulKernels;
import io.tanuki4j.tensor.Tensor;
import java.util.List;

/**
 * {@code y = x · Wᵀ} without a bias, x {@code [s, b, in]}, W {@code [out, in]}. Saves its input,
 * without a copy.
 */
public final class Linear implements Layer<Tensor> {
  private final MatmulKernels kernels;
  private final Parameter weight;

  public Linear(MatmulKernels kernels, Parameter weight) {
    this.kernels = kernels;
    this.weight = weight;
  }

  /** Returns width of the output. */
  public long outSize() {
    return weight.value().dim(0);
  }

  public Parameter weight() {
    return weight;
  }

  @Override
  public Tensor forward(Tensor out, Tensor x, Microbatch microbatch) {
    kernels.matmul(out, x, NONE, weight.value(), TRANSPOSE, Accumulate.OVERWRITE);
    return x;
  }

  @Override
  public void backward(Tensor dx, Tensor x, Tensor dOut, Microbatch microbatch) {
    inputGradient(dx, dOut);
    microbatch.forWeights(later -> weightGradient(x, dOut, later));
  }

  /** Runs the first half of the backward: overwrites dx. */
  public void inputGradient(Tensor dx, Tensor dOut) {
    kernels.matmul(dx, dOut, NONE, weight.value(), NONE, Accumulate.OVERWRITE);
  }

  /** Runs the second half of the backward: adds to the gradient of the weight, or begins it. */
  public void weightGradient(Tensor x, Tensor dOut, Microbatch microbatch) {
    kernels.matmul(weight.grad(), dOut, TRANSPOSE, x, NONE, microbatch.weightGrads());
  }

  @Override
  public List<Parameter> parameters() {
    return List.of(weight);
  }
}
