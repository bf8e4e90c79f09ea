package io.tanuki4j.backend.nd4j;

import io.tanuki4j.kernel.ElementwiseKernels;
import io.tanuki4j.tensor.Tensor;
import java.util.Arrays;

/** Fill, copy, add, by parts of a fixed size. */
final class Nd4jElementwise implements ElementwiseKernels {
  private static final int PART = 4096;

  private final Workers workers;

  Nd4jElementwise(Workers workers) {
    this.workers = workers;
  }

  @Override
  public void fill(Tensor out, double value) {
    workers.runParts(
        out.numElements(),
        PART,
        (from, to, scratch) -> {
          double[] values = scratch.doubles(0, PART);
          int count = (int) (to - from);
          Arrays.fill(values, 0, count, value);
          Elements.store(out, from, values, 0, count);
        });
  }

  @Override
  public void copy(Tensor out, Tensor in) {
    Expect.elements("out of copy", out, in.numElements());
    if (!in.dtype().isFloatingPoint()) {
      Expect.dtype("out of copy", out, in.dtype());
    }
    workers.runParts(
        out.numElements(),
        PART,
        (from, to, scratch) -> {
          double[] values = scratch.doubles(0, PART);
          int count = (int) (to - from);
          Elements.load(values, 0, in, from, count);
          Elements.store(out, from, values, 0, count);
        });
  }

  @Override
  public void add(Tensor out, Tensor a, Tensor b) {
    Expect.elements("a of add", a, out.numElements());
    Expect.elements("b of add", b, out.numElements());
    Expect.sameType("a of add", a, out);
    Expect.sameType("b of add", b, out);
    workers.runParts(
        out.numElements(),
        PART,
        (from, to, scratch) -> {
          double[] left = scratch.doubles(0, PART);
          double[] right = scratch.doubles(1, PART);
          int count = (int) (to - from);
          Elements.load(left, 0, a, from, count);
          Elements.load(right, 0, b, from, count);
          for (int i = 0; i < count; i++) {
            left[i] += right[i];
          }
          Elements.store(out, from, left, 0, count);
        });
  }
}
