package io.tanuki4j.backend.cpu;

import io.tanuki4j.backend.host.Expect;
import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.ElementwiseKernels;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;

/** Fill, copy, add, scale; whole tensors by rows of a fixed size, matrices by their own. */
final class CpuElementwise implements ElementwiseKernels {
  private static final int ROW = 1024;
  private static final long PART = 16 * ROW;

  private final Workers workers;

  CpuElementwise(Workers workers) {
    this.workers = workers;
  }

  @Override
  public void fill(Tensor out, double value) {
    runRows(out, (first, count, scratch) -> Elements.fill(out, first, value, count, scratch));
  }

  @Override
  public void copy(Tensor out, Tensor in) {
    Expect.elements("out of copy", out, in.numElements());
    if (out.dtype() == in.dtype()) {
      runRows(out, (first, count, scratch) -> Elements.copy(out, in, first, count));
      return;
    }
    Expect.floatingPoint("in of copy", in);
    Expect.floatingPoint("out of copy", out);
    runRows(out, (first, count, scratch) -> Elements.convert(out, in, first, count, scratch));
  }

  @Override
  public void add(Tensor out, Tensor a, Tensor b) {
    Expect.elements("a of add", a, out.numElements());
    Expect.elements("b of add", b, out.numElements());
    Expect.sameType("a of add", a, out);
    Expect.sameType("b of add", b, out);
    runRows(
        out,
        (first, count, scratch) -> {
          Row left = scratch.row(0, out);
          Row right = scratch.row(1, out);
          left.load(a, first, count);
          right.load(b, first, count);
          left.add(right);
          left.store(out, first);
        });
  }

  @Override
  public void scale(Tensor x, double factor) {
    Expect.floatingPoint("x of scale", x);
    runRows(
        x,
        (first, count, scratch) -> {
          Row row = scratch.row(0, x);
          row.load(x, first, count);
          row.scale(factor);
          row.store(x, first);
        });
  }

  @Override
  public void sumParts(Tensor out, Tensor parts) {
    long size = out.numElements();
    long numParts = parts.numElements() / Math.max(1, size);
    Expect.elements("parts of sumParts", parts, numParts * size);
    Expect.sameType("parts of sumParts", parts, out);
    runRows(
        out,
        (first, count, scratch) -> {
          Row sum = scratch.row(0, out);
          Row part = scratch.row(1, out);
          sum.load(parts, first, count);
          for (long i = 1; i < numParts; i++) {
            part.load(parts, i * size + first, count);
            sum.add(part);
          }
          sum.store(out, first);
        });
  }

  @Override
  public void copyColumns(
      Tensor out, int firstOut, Tensor in, int firstIn, int numColumns, Accumulate accumulate) {
    long rows = Rows.count(in);
    Expect.matrix("out of copyColumns", out, rows, Rows.columns(out));
    Expect.sameKind("in of copyColumns", in, out);
    Expect.columns("out of copyColumns", out, firstOut, numColumns);
    Expect.columns("in of copyColumns", in, firstIn, numColumns);
    workers.runParts(
        rows,
        Rows.perTask(numColumns),
        (from, to, scratch) -> {
          for (long row = from; row < to; row++) {
            long target = row * Rows.columns(out) + firstOut;
            Row sum = scratch.row(0, out);
            sum.load(in, row * Rows.columns(in) + firstIn, numColumns);
            if (accumulate == Accumulate.ADD) {
              Row before = scratch.row(1, out);
              before.load(out, target, numColumns);
              sum.add(before);
            }
            sum.store(out, target);
          }
        });
  }

  @Override
  public void addToRows(Tensor x, Tensor row) {
    int width = Rows.columns(x);
    Expect.elements("row of addToRows", row, width);
    Expect.sameType("row of addToRows", row, x);
    workers.runParts(
        Rows.count(x),
        Rows.perTask(width),
        (from, to, scratch) -> {
          Row added = scratch.row(0, x);
          Row sum = scratch.row(1, x);
          added.load(row, 0, width);
          for (long i = from; i < to; i++) {
            sum.load(x, i * width, width);
            sum.add(added);
            sum.store(x, i * width);
          }
        });
  }

  @Override
  public void addSumOfRows(Tensor sum, Tensor x) {
    int width = Rows.columns(x);
    Expect.elements("sum of addSumOfRows", sum, width);
    Expect.gradientType("sum of addSumOfRows", sum, x);
    DType type = x.dtype() == DType.F64 ? DType.F64 : DType.F32;
    try (RowSums sums = new RowSums(workers, Rows.count(x), width, 1, type)) {
      sums.run(
          (from, to, part, scratch) -> {
            Row total = scratch.row(0, x);
            Row row = scratch.row(1, x);
            total.fill(0, width);
            for (long i = from; i < to; i++) {
              row.load(x, i * width, width);
              total.add(row);
            }
            part.store(0, total);
          });
      sums.addTo(sum, 0);
    }
  }

  private interface RowTask {
    void run(long first, int count, Scratch scratch);
  }

  private void runRows(Tensor out, RowTask task) {
    workers.runParts(
        out.numElements(),
        PART,
        (from, to, scratch) -> {
          for (long i = from; i < to; i += ROW) {
            task.run(i, (int) Math.min(ROW, to - i), scratch);
          }
        });
  }
}
