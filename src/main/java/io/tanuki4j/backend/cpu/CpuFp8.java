package io.tanuki4j.backend.cpu;

import io.tanuki4j.backend.host.BlockStack;
import io.tanuki4j.backend.host.Expect;
import io.tanuki4j.backend.host.UnfusedFp8;
import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.MatmulKernels.Op;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Float8;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.concurrent.atomic.LongAdder;

/**
 * Emulates FP8 products: the same rounding, saturation and scales as on a GPU, with the products
 * themselves in F32.
 */
final class CpuFp8 extends UnfusedFp8 {
  private final Workers workers;
  private final CpuElementwise elementwise;
  private final CpuMatmul matmul;

  CpuFp8(
      Workers workers,
      CpuElementwise elementwise,
      CpuMatmul matmul,
      CpuNorm norm,
      CpuActivation activation) {
    super(elementwise, norm, activation, () -> workers.scratch().memory());
    this.workers = workers;
    this.elementwise = elementwise;
    this.matmul = matmul;
  }

  @Override
  public void quantize(Target out, Tensor x) {
    Quantization quantization = Quantization.of(out, x);
    workers.runParts(Rows.count(x), MULTIPLE, quantization::run);
    quantization.finish();
  }

  @Override
  public void transpose(Tensor out, Tensor in) {
    int width = Rows.columns(in);
    long height = Rows.count(in);
    Expect.matrix("out of transpose", out, width, height);
    Expect.dtype("out of transpose", out, in.dtype());
    workers.runParts(
        width,
        MULTIPLE,
        (from, to, scratch) -> {
          byte[] column = new byte[Math.toIntExact(height)];
          for (long j = from; j < to; j++) {
            for (int i = 0; i < height; i++) {
              column[i] = Bytes.get(in, i * (long) width + j);
            }
            Bytes.put(out, j * height, column, column.length);
          }
        });
  }

  @Override
  public void amax(Tensor amax, Tensor x) {
    Amax most = new Amax(amax);
    workers.runParts(
        Rows.count(x),
        Rows.perTask(Rows.columns(x)),
        (from, to, scratch) -> {
          Row row = scratch.row(0, x);
          for (long i = from; i < to; i++) {
            row.load(x, i * Rows.columns(x), Rows.columns(x));
            most.raise(row);
          }
        });
    most.store();
  }

  @Override
  public void scales(Tensor scale, Tensor inverse, Tensor amax, Tensor limit) {
    for (long i = 0; i < scale.numElements(); i++) {
      setScale(scale, inverse, i, (float) Elements.get(amax, i), limit);
    }
  }

  private static void setScale(Tensor scale, Tensor inverse, long i, float amax, Tensor limit) {
    float quotient = (float) Elements.get(limit, i) / amax;
    float made = amax == 0 ? 1 : Math.min(quotient, Float.MAX_VALUE);
    Elements.set(scale, i, made);
    Elements.set(inverse, i * INVERSE_SIZE, 1 / made);
  }

  @Override
  public void delayedScales(
      Tensor scale, Tensor inverse, Tensor history, Tensor amax, Tensor limit, Window window) {
    long length = history.dim(1);
    for (long i = 0; i < scale.numElements(); i++) {
      double newest = Elements.get(amax, i);
      if (newest == 0) {
        continue;
      }
      double largest = newest;
      for (long j = i * length; j < (i + 1) * length - 1; j++) {
        double entry = Elements.get(history, j + 1);
        Elements.set(history, j, entry);
        largest = Math.max(largest, entry);
      }
      Elements.set(history, (i + 1) * length - 1, newest);
      Elements.set(amax, i, 0);
      setScale(scale, inverse, i, (float) (window == Window.MAX ? largest : newest), limit);
    }
  }

  @Override
  public void tally(Tensor tally, Tensor x, Tensor scale) {
    LongAdder largest = new LongAdder();
    LongAdder zeros = new LongAdder();
    double limit = Float8.max(x.dtype());
    workers.runParts(
        Rows.count(x),
        Rows.perTask(Rows.columns(x)),
        (from, to, scratch) -> {
          for (long i = from * Rows.columns(x); i < to * Rows.columns(x); i++) {
            double magnitude = Math.abs(Float8.toFloat(Bytes.get(x, i), x.dtype()));
            if (magnitude == limit) {
              largest.increment();
            } else if (magnitude == 0) {
              zeros.increment();
            }
          }
        });
    add(tally, 0, x.numElements());
    add(tally, 1, largest.sum());
    add(tally, 2, zeros.sum());
    Elements.set(tally, 3, Elements.get(scale, 0));
  }

  private static void add(Tensor tally, int index, long count) {
    Elements.set(tally, index, Elements.get(tally, index) + count);
  }

  @Override
  public void multiply(Tensor out, Operand a, Operand b, Sums sums, Accumulate accumulate) {
    double factor = Elements.get(a.inverse(), 0) * Elements.get(b.inverse(), 0);
    BlockStack memory = workers.scratch().memory();
    BlockStack.Mark mark = memory.mark();
    Tensor left = decoded(a.values(), (float) factor, memory);
    Tensor right = decoded(b.values(), 1, memory);
    try (Widening widening = new Widening(elementwise, memory)) {
      boolean add = accumulate == Accumulate.ADD;
      Tensor wide = add ? widening.in(out) : widening.out(out);
      matmul.matmul(wide, left, Op.NONE, right, Op.TRANSPOSE, accumulate);
      widening.finish(out, wide);
    }
    memory.backTo(mark);
  }

  private Tensor decoded(Tensor values, float factor, BlockStack memory) {
    int width = Rows.columns(values);
    Tensor wide = memory.push(Shape.of(Rows.count(values), width), DType.F32);
    workers.runParts(
        Rows.count(values),
        Rows.perTask(width),
        (from, to, scratch) -> {
          Row row = scratch.row(0, wide);
          for (long i = from; i < to; i++) {
            Bytes.decode(row, values, i * width, width);
            row.scale(factor);
            row.store(wide, i * width);
          }
        });
    return wide;
  }
}
