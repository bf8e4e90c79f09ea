package io.tanuki4j.backend.cuda;

import static io.tanuki4j.backend.cuda.CudaException.check;

import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.ElementwiseKernels;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Float16;
import io.tanuki4j.tensor.Float8;
import io.tanuki4j.tensor.Tensor;
import org.bytedeco.cuda.global.cudart;

/** Fill, copy, conversion, addition and scaling; see fill.cu, elementwise.cu and bias.cu. */
final class CudaElementwise implements ElementwiseKernels {
  private static final int THREADS = 256;
  private static final int VECTOR = 8;

  private final CudaModules modules;
  private final CudaStream stream;
  private final CudaWorkspace workspace;
  private final Address to = new Address();
  private final Address from = new Address();

  CudaElementwise(CudaModules modules, CudaStream stream, CudaWorkspace workspace) {
    this.modules = modules;
    this.stream = stream;
    this.workspace = workspace;
  }

  @Override
  public void fill(Tensor out, double value) {
    long bits = bits(out.dtype(), value);
    if (bits == 0) {
      check(
          cudart.cudaMemsetAsync(to.to(out), 0, out.numBytes(), stream.handle()),
          "cudaMemsetAsync");
      return;
    }
    CudaFunction function = modules.function(new FillVariant(out.dtype().bytes()), "fill");
    function.arg(out).arg(bits).arg(out.numElements());
    function.launch(Vectors.ceilDiv(out.numElements(), THREADS), THREADS);
  }

  private static long bits(DType dtype, double value) {
    return switch (dtype) {
      case F64 -> Double.doubleToRawLongBits(value);
      case F32 -> Float.floatToRawIntBits((float) value) & 0xffff_ffffL;
      case F8_E4M3, F8_E5M2 -> Byte.toUnsignedInt(Float8.fromFloat((float) value, dtype));
      case BF16, F16 -> Short.toUnsignedInt(Float16.fromFloat((float) value, dtype));
      case I64 -> (long) value;
      case I32 -> (int) value & 0xffff_ffffL;
    };
  }

  @Override
  public void copy(Tensor out, Tensor in) {
    Expect.elements("out of copy", out, in.numElements());
    if (out.dtype() == in.dtype()) {
      check(
          cudart.cudaMemcpyAsync(
              to.to(out),
              from.to(in),
              out.numBytes(),
              cudart.cudaMemcpyDeviceToDevice,
              stream.handle()),
          "cudaMemcpyAsync");
      return;
    }
    floating("out of copy", out);
    floating("in of copy", in);
    int vector = vector(out, in, in);
    CudaFunction function =
        modules.function(PairVariant.elementwise(out.dtype(), in.dtype(), vector), "convert");
    function.arg(out).arg(in).arg(out.numElements());
    function.launch(Vectors.ceilDiv(out.numElements(), (long) THREADS * vector), THREADS);
  }

  @Override
  public void add(Tensor out, Tensor a, Tensor b) {
    floating("out of add", out);
    Expect.elements("a of add", a, out.numElements());
    Expect.sameType("a of add", a, out);
    Expect.elements("b of add", b, out.numElements());
    Expect.sameType("b of add", b, out);
    int vector = vector(out, a, b);
    CudaFunction function =
        modules.function(PairVariant.elementwise(out.dtype(), a.dtype(), vector), "add");
    function.arg(out).arg(a).arg(b).arg(out.numElements());
    function.launch(Vectors.ceilDiv(out.numElements(), (long) THREADS * vector), THREADS);
  }

  @Override
  public void scale(Tensor x, double factor) {
    floating("x of scale", x);
    int vector = vector(x, x, x);
    CudaFunction function =
        modules.function(PairVariant.elementwise(x.dtype(), x.dtype(), vector), "scale");
    function.arg(x).arg(factor).arg(x.numElements());
    function.launch(Vectors.ceilDiv(x.numElements(), (long) THREADS * vector), THREADS);
  }

  @Override
  public void sumParts(Tensor out, Tensor parts) {
    floating("out of sumParts", out);
    Expect.sameType("parts of sumParts", parts, out);
    long count = out.numElements();
    int numParts = Math.toIntExact(parts.numElements() / Math.max(1, count));
    Expect.elements("parts of sumParts", parts, numParts * count);
    int vector = vector(out, parts, parts);
    CudaFunction function =
        modules.function(PairVariant.elementwise(out.dtype(), out.dtype(), vector), "sum_parts");
    function.arg(out).arg(parts).arg(count).arg(numParts);
    function.launch(Vectors.ceilDiv(count, (long) THREADS * vector), THREADS);
  }

  @Override
  public void copyColumns(
      Tensor out, int firstOut, Tensor in, int firstIn, int numColumns, Accumulate accumulate) {
    floating("out of copyColumns", out);
    floating("in of copyColumns", in);
    long rows = Expect.rows(in);
    Expect.matrix("out of copyColumns", out, rows, Expect.columns(out));
    Expect.range("out of copyColumns", out, firstOut, numColumns);
    Expect.range("in of copyColumns", in, firstIn, numColumns);
    int vector = vector(out, in, in);
    for (int place :
        new int[] {firstOut, firstIn, numColumns, Expect.columns(out), Expect.columns(in)}) {
      vector = place % VECTOR == 0 ? vector : 1;
    }
    CudaFunction function =
        modules.function(
            PairVariant.elementwise(out.dtype(), in.dtype(), vector),
            accumulate == Accumulate.ADD ? "add_columns" : "copy_columns");
    function.arg(Address.of(out) + (long) firstOut * out.dtype().bytes());
    function.arg(Address.of(in) + (long) firstIn * in.dtype().bytes());
    function.arg(Expect.columns(out)).arg(Expect.columns(in)).arg(numColumns);
    function.launch(rows, THREADS);
  }

  @Override
  public void addToRows(Tensor x, Tensor row) {
    Expect.computeType("x of addToRows", x);
    int columns = Expect.columns(x);
    Expect.elements("row of addToRows", row, columns);
    Expect.sameType("row of addToRows", row, x);
    int vector = Vectors.width(x.dtype(), columns, x, row);
    CudaFunction function = bias(DType.F32, x, vector, "add_to_rows");
    long columnBlocks = Vectors.ceilDiv(columns, (long) THREADS * vector);
    function.arg(x).arg(row).arg(columns);
    function.launch(Expect.rows(x), Math.toIntExact(columnBlocks), 1, THREADS, 1);
  }

  @Override
  public void addSumOfRows(Tensor sum, Tensor x) {
    Expect.computeType("x of addSumOfRows", x);
    Expect.elements("sum of addSumOfRows", sum, Expect.columns(x));
    Expect.sumType("sum of addSumOfRows", sum, x);
    RowParts parts = RowParts.of(Expect.rows(x), Expect.columns(x));
    long partial = workspace.reserve(parts.bytes());
    CudaFunction sums = bias(sum.dtype(), x, 1, "partial_sums_of_rows");
    parts.launch(sums.arg(partial).arg(x).arg(parts.columns()).arg(parts.rows()));
    CudaFunction total = bias(sum.dtype(), x, 1, "add_sum_of_rows");
    total.arg(sum).arg(partial).arg(parts.columns()).arg(parts.count());
    total.launch(Vectors.ceilDiv(parts.columns(), THREADS), THREADS);
  }

  private CudaFunction bias(DType grad, Tensor x, int vector, String name) {
    return modules.function(PairVariant.rowSums("bias", grad, x.dtype(), vector), name);
  }

  private static int vector(Tensor out, Tensor a, Tensor b) {
    boolean inDouble = out.dtype() == DType.F64 || a.dtype() == DType.F64;
    boolean aligned = Vectors.width(DType.BF16, out.numElements(), out, a, b) == VECTOR;
    return aligned && !inDouble ? VECTOR : 1;
  }

  private static void floating(String name, Tensor tensor) {
    if (!tensor.dtype().isFloatingPoint()) {
      throw new IllegalArgumentException(
          "%s: %s (expected: a floating type)".formatted(name, tensor));
    }
  }
}
