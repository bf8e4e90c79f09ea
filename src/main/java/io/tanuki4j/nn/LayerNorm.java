package io.tanuki4j.nn;

import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.LayerNormKernels;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** LayerNorm (Ba, Kiros and Hinton, 2016). Its statistics are {@code [t, 2]}. */
public final class LayerNorm extends Norm {
  private final Parameter weight;
  private final Parameter bias;
  private final double epsilon;

  public LayerNorm(Kernels kernels, Parameter weight, Parameter bias, double epsilon) {
    super(kernels);
    this.weight = weight;
    this.bias = bias;
    this.epsilon = epsilon;
  }

  @Override
  Shape statistics(long numTokens) {
    return Shape.of(numTokens, LayerNormKernels.NUM_STATISTICS);
  }

  @Override
  void normalize(Tensor out, Saved saved) {
    kernels()
        .layerNorm()
        .layerNormForward(
            out, saved.statistics(), saved.x(), weight.value(), bias.value(), epsilon);
  }

  @Override
  void backward(
      Tensor dx, Saved saved, Tensor dOut, @Nullable Tensor residual, Microbatch microbatch) {
    microbatch.begin(weight.grad(), kernels());
    microbatch.begin(bias.grad(), kernels());
    kernels()
        .layerNorm()
        .layerNormBackward(
            dx,
            weight.grad(),
            bias.grad(),
            dOut,
            saved.x(),
            saved.statistics(),
            weight.value(),
            residual);
  }

  @Override
  public List<Parameter> parameters() {
    return List.of(weight, bias);
  }
}
