package io.tanuki4j.nn;

import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.tensor.Tensor;
import java.util.List;
import java.util.stream.Stream;

/**
 * {@code y = x · Wᵀ + b}: another linear layer with a bias for the output's features. Where the
 * layer leaves a tensor-parallel region, the bias is added once, to the sum.
 */
public final class BiasedProjection implements Projection {
  private final Kernels kernels;
  private final Projection product;
  private final Parameter bias;

  /**
   * @param bias {@code [out]}, this rank's part
   */
  public BiasedProjection(Kernels kernels, Projection product, Parameter bias) {
    this.kernels = kernels;
    this.product = product;
    this.bias = bias;
  }

  @Override
  public long outSize() {
    return product.outSize();
  }

  @Override
  public SavedInput forward(Tensor out, Factor x, Microbatch microbatch) {
    SavedInput saved = product.forward(out, x, microbatch);
    kernels.elementwise().addToRows(out, bias.value());
    return saved;
  }

  @Override
  public SavedInput save(Factor x, Microbatch microbatch) {
    return product.save(x, microbatch);
  }

  @Override
  public void backward(Tensor dx, SavedInput x, Factor dOut, Microbatch microbatch) {
    Tensor written = dOut.write(microbatch.scope());
    microbatch.begin(bias.grad(), kernels);
    kernels.elementwise().addSumOfRows(bias.grad(), written);
    product.backward(dx, x, Factor.of(written, kernels.fp8()), microbatch);
  }

  @Override
  public List<Parameter> parameters() {
    return Stream.concat(product.parameters().stream(), Stream.of(bias)).toList();
  }
}
