package io.tanuki4j.kernel.profile;

import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.ElementwiseKernels;
import io.tanuki4j.tensor.Tensor;

/** Times each call of another {@link ElementwiseKernels}, and states its least cost. */
record ProfiledElementwise(ElementwiseKernels kernels, CallRecorder recorder)
    implements ElementwiseKernels {
  @Override
  public void fill(Tensor out, double value) {
    recorder.time(() -> costOfFill(out), () -> kernels.fill(out, value));
  }

  @Override
  public void copy(Tensor out, Tensor in) {
    recorder.time(() -> costOfCopy(out, in), () -> kernels.copy(out, in));
  }

  @Override
  public void add(Tensor out, Tensor a, Tensor b) {
    recorder.time(() -> costOfAdd(out, a, b), () -> kernels.add(out, a, b));
  }

  @Override
  public void scale(Tensor x, double factor) {
    recorder.time(() -> costOfScale(x), () -> kernels.scale(x, factor));
  }

  @Override
  public void sumParts(Tensor out, Tensor parts) {
    recorder.time(() -> costOfSumParts(out, parts), () -> kernels.sumParts(out, parts));
  }

  @Override
  public void copyColumns(
      Tensor out, int firstOut, Tensor in, int firstIn, int numColumns, Accumulate accumulate) {
    recorder.time(
        () -> costOfCopyColumns(out, in, numColumns, accumulate),
        () -> kernels.copyColumns(out, firstOut, in, firstIn, numColumns, accumulate));
  }

  @Override
  public void addToRows(Tensor x, Tensor row) {
    recorder.time(() -> costOfAddToRows(x, row), () -> kernels.addToRows(x, row));
  }

  @Override
  public void addSumOfRows(Tensor sum, Tensor x) {
    recorder.time(() -> costOfAddSumOfRows(sum, x), () -> kernels.addSumOfRows(sum, x));
  }

  static KernelCall costOfAddToRows(Tensor x, Tensor row) {
    return Cost.moved(KernelFamily.ELEMENTWISE, "addToRows", x, Cost.bytes(x, x, row));
  }

  static KernelCall costOfAddSumOfRows(Tensor sum, Tensor x) {
    return Cost.moved(KernelFamily.ELEMENTWISE, "addSumOfRows", x, Cost.bytes(sum, sum, x));
  }

  static KernelCall costOfFill(Tensor out) {
    return Cost.moved(KernelFamily.ELEMENTWISE, "fill", out, Cost.bytes(out));
  }

  static KernelCall costOfCopy(Tensor out, Tensor in) {
    return Cost.moved(KernelFamily.ELEMENTWISE, "copy", in, Cost.bytes(out, in));
  }

  static KernelCall costOfAdd(Tensor out, Tensor a, Tensor b) {
    return Cost.moved(KernelFamily.ELEMENTWISE, "add", out, Cost.bytes(out, a, b));
  }

  static KernelCall costOfScale(Tensor x) {
    return Cost.moved(KernelFamily.ELEMENTWISE, "scale", x, Cost.bytes(x, x));
  }

  static KernelCall costOfSumParts(Tensor out, Tensor parts) {
    return Cost.moved(KernelFamily.ELEMENTWISE, "sumParts", parts, Cost.bytes(out, parts));
  }

  static KernelCall costOfCopyColumns(
      Tensor out, Tensor in, int numColumns, Accumulate accumulate) {
    double elements = (double) in.numElements() / in.dim(-1) * numColumns;
    int passes = accumulate == Accumulate.ADD ? 2 : 1;
    double bytes = elements * (in.dtype().bytes() + passes * out.dtype().bytes());
    String shape = "%d columns of %s, %s".formatted(numColumns, in, out.dtype());
    String text = accumulate == Accumulate.ADD ? shape + " +=" : shape;
    return new KernelCall(KernelFamily.ELEMENTWISE, "copyColumns", text, 0, bytes);
  }
}
