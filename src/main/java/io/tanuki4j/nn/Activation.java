package io.tanuki4j.nn;

import io.tanuki4j.kernel.Fp8Kernels.Target;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.List;

/** What is between the two products of an MLP. Saves its input, without a copy. */
public abstract class Activation implements Layer<Tensor> {
  private final Kernels kernels;

  Activation(Kernels kernels) {
    this.kernels = kernels;
  }

  final Kernels kernels() {
    return kernels;
  }

  /** Returns the width of the output for an input of this width. */
  public abstract long outSize(long inSize);

  /** Overwrites out with the activation of x. */
  abstract void apply(Tensor out, Tensor x);

  /** Overwrites dx, which may be x itself. */
  abstract void applyBackward(Tensor dx, Tensor dOut, Tensor x);

  /** Writes {@link #apply}'s output in FP8. */
  void quantize(Target out, Tensor x, MemoryScope scratch) {
    Tensor activated = scratch.allocate(outShape(x), x.dtype());
    apply(activated, x);
    kernels.fp8().quantize(out, activated);
  }

  /** Writes {@link #applyBackward}'s output in FP8; x stays as it is. */
  void quantizeBackward(Target dx, Tensor dOut, Tensor x, MemoryScope scratch) {
    Tensor gradient = scratch.allocate(x.shape(), x.dtype());
    applyBackward(gradient, dOut, x);
    kernels.fp8().quantize(dx, gradient);
  }

  @Override
  public final Tensor forward(Tensor out, Tensor x, Microbatch microbatch) {
    apply(out, x);
    return x;
  }

  /** Computes the gradient; dx may be the saved x itself. */
  @Override
  public final void backward(Tensor dx, Tensor x, Tensor dOut, Microbatch microbatch) {
    applyBackward(dx, dOut, x);
  }

  @Override
  public final List<Parameter> parameters() {
    return List.of();
  }

  /** Returns the activation of x for a product. */
  public final Factor of(Tensor x) {
    return new Activated(x);
  }

  /** Returns the gradient of x for products; if it is written, it replaces x. */
  public final Factor gradient(Tensor x, Tensor dOut) {
    return new Gradient(x, dOut);
  }

  private Shape outShape(Tensor x) {
    return Shape.of(x.dim(0), x.dim(1), outSize(x.dim(2)));
  }

  private final class Activated implements Factor {
    private final Tensor x;

    private Activated(Tensor x) {
      this.x = x;
    }

    @Override
    public Shape shape() {
      return outShape(x);
    }

    @Override
    public DType dtype() {
      return x.dtype();
    }

    @Override
    public Tensor write(MemoryScope scope) {
      Tensor out = scope.allocate(shape(), dtype());
      apply(out, x);
      return out;
    }

    @Override
    public void quantize(Target out, MemoryScope scratch) {
      Activation.this.quantize(out, x, scratch);
    }
  }

  private final class Gradient implements Factor {
    private final Tensor x;
    private final Tensor dOut;

    private Gradient(Tensor x, Tensor dOut) {
      this.x = x;
      this.dOut = dOut;
    }

    @Override
    public Shape shape() {
      return x.shape();
    }

    @Override
    public DType dtype() {
      return x.dtype();
    }

    @Override
    public Tensor write(MemoryScope scope) {
      applyBackward(x, dOut, x);
      return x;
    }

    @Override
    public void quantize(Target out, MemoryScope scratch) {
      quantizeBackward(out, dOut, x, scratch);
    }
  }
}
