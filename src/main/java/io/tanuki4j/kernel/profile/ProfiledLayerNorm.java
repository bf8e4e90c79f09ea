package io.tanuki4j.kernel.profile;

import io.tanuki4j.kernel.LayerNormKernels;
import io.tanuki4j.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Times each call of another {@link LayerNormKernels}, and states its least cost. */
record ProfiledLayerNorm(LayerNormKernels kernels, CallRecorder recorder)
    implements LayerNormKernels {
  @Override
  public void layerNormForward(
      Tensor out, Tensor statistics, Tensor x, Tensor weight, Tensor bias, double epsilon) {
    recorder.time(
        () -> costOfLayerNormForward(out, statistics, x, weight, bias),
        () -> kernels.layerNormForward(out, statistics, x, weight, bias, epsilon));
  }

  @Override
  public void layerNormBackward(
      Tensor dx,
      Tensor dWeight,
      Tensor dBias,
      Tensor dOut,
      Tensor x,
      Tensor statistics,
      Tensor weight,
      @Nullable Tensor residual) {
    recorder.time(
        () -> costOfLayerNormBackward(dx, dWeight, dOut, x, statistics, residual),
        () -> kernels.layerNormBackward(dx, dWeight, dBias, dOut, x, statistics, weight, residual));
  }

  static KernelCall costOfLayerNormForward(
      Tensor out, Tensor statistics, Tensor x, Tensor weight, Tensor bias) {
    double bytes = Cost.bytes(out, statistics, x, weight, bias);
    return Cost.moved(KernelFamily.NORM, "layerNormForward", x, bytes);
  }

  static KernelCall costOfLayerNormBackward(
      Tensor dx,
      Tensor dWeight,
      Tensor dOut,
      Tensor x,
      Tensor statistics,
      @Nullable Tensor residual) {
    double gradients = 4 * Cost.bytes(dWeight);
    double weight = (double) x.dim(-1) * x.dtype().bytes();
    double bytes = Cost.bytes(dx, dOut, x, statistics) + gradients + weight;
    String shape = residual == null ? x.toString() : x + " +=";
    double all = bytes + (residual == null ? 0 : Cost.bytes(residual));
    return new KernelCall(KernelFamily.NORM, "layerNormBackward", shape, 0, all);
  }
}
