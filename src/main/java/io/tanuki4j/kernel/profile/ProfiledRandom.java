package io.tanuki4j.kernel.profile;

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

  static KernelCall costOfFillNormal(Tensor out) {
    return Cost.moved(KernelFamily.RANDOM, "fillNormal", out, Cost.bytes(out));
  }
}
