package io.tanuki4j.nn;

import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.Fp8Kernels.Target;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

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

  /** Returns {@code norm(x)} for a product. */
  public Normed of(Tensor x, Microbatch microbatch) {
    return new Normed(new Saved(x, allocateRstd(x, microbatch)), null);
  }

  /**
   * Returns {@code norm(sum)} of {@code sum = x + delta} for a product; the sum is there once the
   * factor is written.
   *
   * @param sum kept for the backward; may be delta itself
   */
  public Normed ofSum(Tensor sum, Tensor x, Tensor delta, Microbatch microbatch) {
    return new Normed(new Saved(sum, allocateRstd(x, microbatch)), new Terms(x, delta));
  }

  private record Terms(Tensor x, Tensor delta) {}

  /** The normalised numbers, computed when a product asks for them. */
  public final class Normed implements Factor {
    private final Saved saved;
    private final @Nullable Terms terms;

    private Normed(Saved saved, @Nullable Terms terms) {
      this.saved = saved;
      this.terms = terms;
    }

    /** Returns what the backward needs. */
    public Saved saved() {
      return saved;
    }

    @Override
    public Shape shape() {
      return saved.x().shape();
    }

    @Override
    public DType dtype() {
      return saved.x().dtype();
    }

    @Override
    public Tensor write(MemoryScope scope) {
      Tensor out = scope.allocate(shape(), dtype());
      Tensor gain = weight.value();
      if (terms == null) {
        kernels.norm().rmsNormForward(out, saved.rstd(), saved.x(), gain, epsilon);
      } else {
        kernels
            .norm()
            .addRmsNormForward(saved.x(), out, saved.rstd(), terms.x, terms.delta, gain, epsilon);
      }
      return out;
    }

    @Override
    public void quantize(Target out) {
      Tensor gain = weight.value();
      if (terms == null) {
        kernels.fp8().quantizeRmsNorm(out, saved.rstd(), saved.x(), gain, epsilon);
      } else {
        kernels
            .fp8()
            .quantizeAddRmsNorm(out, saved.x(), saved.rstd(), terms.x, terms.delta, gain, epsilon);
      }
    }
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
