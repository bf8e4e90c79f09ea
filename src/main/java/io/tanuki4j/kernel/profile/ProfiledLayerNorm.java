package io.tanuki4j.kernel.profile;

import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.LayerNormKernels;
import io.tanuki4j.tensor.Tensor;

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
      Accumulate accumulateDx) {
    recorder.time(
        () -> costOfLayerNormBackward(dx, dWeight, dOut, x, statistics, accumulateDx),
        () ->
            kernels.layerNormBackward(
                dx, dWeight, dBias, dOut, x, statistics, weight, accumulateDx));
  }

  static KernelCall costOfLayerNormForward(
      Tensor out, Tensor statistics, Tensor x, Tensor weight, Tensor bias) {
    double bytes = Cost.bytes(out, statistics, x, weight, bias);
    return Cost.moved(KernelFamily.NORM, "layerNormForward", x, bytes);
  }

  static KernelCall costOfLayerNormBackward(
      Tensor dx, Tensor dWeight, Tensor dOut, Tensor x, Tensor statistics, Accumulate accumulate) {
    double gradients = 4 * Cost.bytes(dWeight);
    double weight = (double) x.dim(-1) * x.dtype().bytes();
    double bytes = Cost.bytes(dx, dOut, x, statistics) + gradients + weight;
    String shape = accumulate == Accumulate.ADD ? x + " +=" : x.toString();
    double all = bytes + Cost.added(dx, accumulate);
    return new KernelCall(KernelFamily.NORM, "layerNormBackward", shape, 0, all);
  }
}
