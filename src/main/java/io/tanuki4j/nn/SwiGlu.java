package io.tanuki4j.nn;

import io.tanuki4j.kernel.Fp8Kernels.Target;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.List;

/**
 * SwiGLU (Shazeer, 2020) from gate and up side by side, {@code [s, b, 2f]}, to {@code [s, b, f]}.
 * Saves its input, without a copy.
 */
public final class SwiGlu implements Layer<Tensor> {
  private final Kernels kernels;

  public SwiGlu(Kernels kernels) {
    this.kernels = kernels;
  }

  @Override
  public Tensor forward(Tensor out, Tensor gateUp, Microbatch microbatch) {
    kernels.activation().swiGluForward(out, gateUp);
    return gateUp;
  }

  /** Computes the gradient; dGateUp may be the saved gateUp itself. */
  @Override
  public void backward(Tensor dGateUp, Tensor gateUp, Tensor dOut, Microbatch microbatch) {
    kernels.activation().swiGluBackward(dGateUp, dOut, gateUp);
  }

  /** Returns the activation for a product. */
  public Factor of(Tensor gateUp) {
    return new Activated(gateUp);
  }

  /** Returns the gradient of gateUp for products; if it is written, it replaces gateUp. */
  public Factor gradient(Tensor gateUp, Tensor dOut) {
    return new Gradient(gateUp, dOut);
  }

  private final class Activated implements Factor {
    private final Tensor gateUp;

    private Activated(Tensor gateUp) {
      this.gateUp = gateUp;
    }

    @Override
    public Shape shape() {
      return Shape.of(gateUp.dim(0), gateUp.dim(1), gateUp.dim(2) / 2);
    }

    @Override
    public DType dtype() {
      return gateUp.dtype();
    }

    @Override
    public Tensor write(MemoryScope scope) {
      Tensor out = scope.allocate(shape(), dtype());
      kernels.activation().swiGluForward(out, gateUp);
      return out;
    }

    @Override
    public void quantize(Target out) {
      kernels.fp8().quantizeSwiGlu(out, gateUp);
    }
  }

  private final class Gradient implements Factor {
    private final Tensor gateUp;
    private final Tensor dOut;

    private Gradient(Tensor gateUp, Tensor dOut) {
      this.gateUp = gateUp;
      this.dOut = dOut;
    }

    @Override
    public Shape shape() {
      return gateUp.shape();
    }

    @Override
    public DType dtype() {
      return gateUp.dtype();
    }

    @Override
    public Tensor write(MemoryScope scope) {
      kernels.activation().swiGluBackward(gateUp, dOut, gateUp);
      return gateUp;
    }

    @Override
    public void quantize(Target out) {
      kernels.fp8().quantizeSwiGluBackward(out, dOut, gateUp);
    }
  }

  @Override
  public List<Parameter> parameters() {
    return List.of();
  }
}
