package io.tanuki4j.nn;

import io.tanuki4j.kernel.Fp8Kernels.Target;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** A norm over the last dim, alone or joined with the residual addition before it. */
public abstract class Norm implements Layer<Norm.Saved> {
  private final Kernels kernels;

  Norm(Kernels kernels) {
    this.kernels = kernels;
  }

  /**
   * @param x what was normalised, {@code [s, b, h]}
   * @param statistics of its rows
   */
  public record Saved(Tensor x, Tensor statistics) {}

  /** The terms of a sum that is normalised. */
  record Terms(Tensor x, Tensor delta) {}

  final Kernels kernels() {
    return kernels;
  }

  /** Returns the shape of the statistics of t rows. */
  abstract Shape statistics(long numTokens);

  /** Overwrites out and the statistics. */
  abstract void normalize(Tensor out, Saved saved);

  /** Does the same for a sum, which it writes into the saved x. */
  void normalizeSum(Tensor out, Saved saved, Terms terms) {
    kernels.elementwise().add(saved.x(), terms.x, terms.delta);
    normalize(out, saved);
  }

  /** Writes {@link #normalize}'s output in FP8. */
  void quantize(Target out, Saved saved, MemoryScope scratch) {
    Tensor normed = scratch.allocate(saved.x().shape(), saved.x().dtype());
    normalize(normed, saved);
    kernels.fp8().quantize(out, normed);
  }

  /** Writes {@link #normalizeSum}'s output in FP8. */
  void quantizeSum(Target out, Saved saved, Terms terms, MemoryScope scratch) {
    kernels.elementwise().add(saved.x(), terms.x, terms.delta);
    quantize(out, saved, scratch);
  }

  /**
   * Overwrites dx, which may be the saved x, and adds to the gradients of the parameters, or begins
   * them.
   *
   * @param residual added to dx; null for nothing
   */
  abstract void backward(
      Tensor dx, Saved saved, Tensor dOut, @Nullable Tensor residual, Microbatch microbatch);

  @Override
  public final Saved forward(Tensor out, Tensor x, Microbatch microbatch) {
    Saved saved = saved(x, microbatch);
    normalize(out, saved);
    return saved;
  }

  @Override
  public final void backward(Tensor dx, Saved saved, Tensor dOut, Microbatch microbatch) {
    backward(dx, saved, dOut, /* residual= */ null, microbatch);
  }

  /**
   * Computes the gradient of a sum that goes two ways: through the norm and past it.
   *
   * @param dSum overwritten; may be the saved sum or residual itself
   * @param residual the gradient of the way past the norm
   */
  public final void addBackward(
      Tensor dSum, Saved saved, Tensor dOut, Tensor residual, Microbatch microbatch) {
    backward(dSum, saved, dOut, residual, microbatch);
  }

  /** Returns {@code norm(x)} for a product. */
  public final Normed of(Tensor x, Microbatch microbatch) {
    return new Normed(saved(x, microbatch), null);
  }

  /**
   * Returns {@code norm(sum)} of {@code sum = x + delta} for a product; the sum is there once the
   * factor is written.
   *
   * @param sum kept for the backward; may be delta itself
   */
  public final Normed ofSum(Tensor sum, Tensor x, Tensor delta, Microbatch microbatch) {
    return new Normed(saved(sum, microbatch), new Terms(x, delta));
  }

  private Saved saved(Tensor x, Microbatch microbatch) {
    Shape shape = statistics(x.numElements() / x.dim(-1));
    return new Saved(x, microbatch.scope().allocate(shape, x.dtype().statisticsType()));
  }

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
      if (terms == null) {
        normalize(out, saved);
      } else {
        normalizeSum(out, saved, terms);
      }
      return out;
    }

    @Override
    public void quantize(Target out, MemoryScope scratch) {
      if (terms == null) {
        Norm.this.quantize(out, saved, scratch);
      } else {
        quantizeSum(out, saved, terms, scratch);
      }
    }
  }
}
