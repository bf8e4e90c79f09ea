package io.tanuki4j.kernel.profile;

import io.tanuki4j.kernel.Dropout;
import io.tanuki4j.kernel.RandomKernels;
import io.tanuki4j.tensor.Tensor;

/** Times each call of another {@link RandomKernels}, and states its least cost. */
record ProfiledRandom(RandomKernels kernels, CallRecorder recorder) implements RandomKernels {
  @Override
  public void fillNormal(
      Tensor out,
      long key,
      long firstRow,
      long firstColumn,
      long globalColumns,
      double standardDeviation) {
    recorder.time(
        () -> costOfFillNormal(out),
        () ->
            kernels.fillNormal(out, key, firstRow, firstColumn, globalColumns, standardDeviation));
  }

  @Override
  public void dropout(Tensor out, Tensor x, Tensor positions, Dropout dropout) {
    recorder.time(() -> costOfDropout(out, x), () -> kernels.dropout(out, x, positions, dropout));
  }

  static KernelCall costOfDropout(Tensor out, Tensor x) {
    return Cost.moved(KernelFamily.RANDOM, "dropout", out, Cost.bytes(out, x));
  }

  static KernelCall costOfFillNormal(Tensor out) {
    return Cost.moved(KernelFamily.RANDOM, "fillNormal", out, Cost.bytes(out));
  }
}
