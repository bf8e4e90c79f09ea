package io.tanuki4j.backend.host;

import io.tanuki4j.kernel.ActivationKernels;
import io.tanuki4j.kernel.ElementwiseKernels;
import io.tanuki4j.kernel.Fp8Kernels;
import io.tanuki4j.kernel.NormKernels;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Fused operations as their parts: the plain operation into scratch memory, then quantization. */
public abstract class UnfusedFp8 implements Fp8Kernels {
  private final ElementwiseKernels elementwise;
  private final NormKernels norm;
  private final ActivationKernels activation;
  private final Supplier<BlockStack> scratch;

  /**
   * @param scratch gives the calling thread's memory, which is restored after each operation
   */
  protected UnfusedFp8(
      ElementwiseKernels elementwise,
      NormKernels norm,
      ActivationKernels activation,
      Supplier<BlockStack> scratch) {
    this.elementwise = elementwise;
    this.norm = norm;
    this.activation = activation;
    this.scratch = scratch;
  }

  @Override
  public void quantizeRmsNorm(Target out, Tensor rstd, Tensor x, Tensor weight, double epsilon) {
    quantized(out, x, normed -> norm.rmsNormForward(normed, rstd, x, weight, epsilon));
  }

  @Override
  public void quantizeAddRmsNorm(
      Target out, Tensor sum, Tensor rstd, Tensor x, Tensor delta, Tensor weight, double epsilon) {
    elementwise.add(sum, x, delta);
    quantizeRmsNorm(out, rstd, sum, weight, epsilon);
  }

  @Override
  public void quantizeSwiGlu(Target out, Tensor gateUp) {
    Shape half = Shape.of(Expect.rows(gateUp), gateUp.dim(-1) / 2);
    quantized(out, half, gateUp.dtype(), result -> activation.swiGluForward(result, gateUp));
  }

  @Override
  public void quantizeSwiGluBackward(Target dGateUp, Tensor dOut, Tensor gateUp) {
    quantized(dGateUp, gateUp, result -> activation.swiGluBackward(result, dOut, gateUp));
  }

  private void quantized(Target out, Tensor like, Consumer<Tensor> operation) {
    Shape shape = Shape.of(Expect.rows(like), like.dim(-1));
    quantized(out, shape, like.dtype(), operation);
  }

  private void quantized(Target out, Shape shape, DType dtype, Consumer<Tensor> operation) {
    BlockStack memory = scratch.get();
    BlockStack.Mark mark = memory.mark();
    Tensor result = memory.push(shape, dtype);
    operation.accept(result);
    quantize(out, result);
    memory.backTo(mark);
  }
}
