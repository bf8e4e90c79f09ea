package io.tanuki4j.nn;

import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.List;

/**
 * RMSNorm (Zhang and Sennrich, 2019) over the last dim, alone or joined with the residual addition
 * before it.
 */
public final class RmsNorm implements Layer<RmsNorm.Saved> {
  private final Kernels kernels;
  private final Parameter weight;
  private final double epsilon;

  public RmsNorm(Kernels kernels, Parameter weight, double epsilon) {
    this.kernels = kernels;
    this.weight = weight;
    this.epsilon = epsilon;
  }

  /**
   * @param x what was normalised, {@code [s, b, h]}
   * @param rstd {@code [t]}
   */
  public record Saved(Tensor x, Tensor rstd) {}

  @Override
  public Saved forward(Tensor out, Tensor x, Microbatch microbatch) {
    Tensor rstd = allocateRstd(x, microbatch);
    kernels.norm().rmsNormForward(out, rstd, x, weight.value(), epsilon);
    return new Saved(x, rstd);
  }

  /**
   * {@code sum = x + delta}, {@code out = norm(sum)}.
   *
   * @param sum kept for the backward; may be delta itself
   */
  public Saved addForward(Tensor sum, Tensor out, Tensor x, Tensor delta, Microbatch microbatch) {
    Tensor rstd = allocateRstd(x, microbatch);
    kernels.norm().addRmsNormForward(sum, out, rstd, x, delta, weight.value(), epsilon);
    return new Saved(sum, rstd);
  }

  @Override
  public void backward(Tensor dx, Saved saved, Tensor dOut, Microbatch microbatch) {
    backward(dx, saved, dOut, Accumulate.OVERWRITE, microbatch);
  }

  /** Adds the gradient of the normalised sum into dSum, which has that of the residual path. */
  public void addBackward(Tensor dSum, Saved saved, Tensor dOut, Microbatch microbatch) {
    backward(dSum, saved, dOut, Accumulate.ADD, microbatch);
  }

  public Parameter weight() {
    return weight;
  }

  @Override
  public List<Parameter> parameters() {
    return List.of(weight);
  }

  private void backward(
      Tensor dx, Saved saved, Tensor dOut, Accumulate accumulate, Microbatch microbatch) {
    microbatch.begin(weight.grad(), kernels);
    kernels
        .norm()
        .rmsNormBackward(
            dx, weight.grad(), dOut, saved.x(), saved.rstd(), weight.value(), accumulate);
  }

  private static Tensor allocateRstd(Tensor x, Microbatch microbatch) {
    long numTokens = x.numElements() / x.dim(-1);
    return microbatch.scope().allocate(Shape.of(numTokens), x.dtype().statisticsType());
  }
}
