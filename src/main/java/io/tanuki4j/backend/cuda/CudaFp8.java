package io.tanuki4j.backend.cuda;

import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.Fp8Kernels;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** FP8 operations: see fp8.cu and fp8norm.cu; the products are cuBLASLt's. */
final class CudaFp8 implements Fp8Kernels {
  private static final int THREADS = 256;
  private static final int TILE = 128;
  private static final int WIDTH = 8;

  /** Of a group of {@link #TILE} rows; see fp8norm.cu. */
  private static final int STATISTICS_BLOCKS = 32;

  /** Groups of rows by which statistics precede tiles: early enough, and still in the cache. */
  private static final int AHEAD = 8;

  private static final int MAX_NORM_ROWS = 1 << 20;
  private static final int BLOCKS_PER_MULTIPROCESSOR = 8;

  private final CudaModules modules;
  private final CudaMatmul matmul;
  private final int multiprocessors;

  CudaFp8(CudaModules modules, CudaMatmul matmul, int multiprocessors) {
    this.modules = modules;
    this.matmul = matmul;
    this.multiprocessors = multiprocessors;
  }

  @Override
  public void quantize(Target out, Tensor x) {
    long height = Expect.rows(x);
    int width = Expect.columns(x);
    Expect.dtype("x of quantize", x, DType.BF16);
    launch(begin("quantize", out, height, width, width).arg(x), height, width);
  }

  @Override
  public void quantizeRmsNorm(Target out, Tensor rstd, Tensor x, Tensor weight, double epsilon) {
    CudaFunction function = beginNorm("quantize_rms_norm", out, rstd, x, weight, epsilon);
    launchNorm(function.arg(x), x);
  }

  @Override
  public void quantizeAddRmsNorm(
      Target out, Tensor sum, Tensor rstd, Tensor x, Tensor delta, Tensor weight, double epsilon) {
    CudaNorm.checkSum(sum, x, delta);
    CudaFunction function = beginNorm("quantize_add_rms_norm", out, rstd, x, weight, epsilon);
    launchNorm(function.arg(x).arg(delta).arg(sum), x);
  }

  private CudaFunction beginNorm(
      String name, Target out, Tensor rstd, Tensor x, Tensor weight, double epsilon) {
    Expect.dtype("x of " + name, x, DType.BF16);
    CudaNorm.checkStatistics(rstd, x, weight);
    Expect.atMostRows("x of " + name, x, MAX_NORM_ROWS);
    int width = Expect.columns(x);
    NormVariant plain = NormVariant.of(DType.BF16, DType.F32, WIDTH, width);
    CudaFunction function = begin(name, out, Expect.rows(x), width, width);
    return function.arg(rstd).arg(weight).arg(plain.threads()).arg((float) epsilon).arg(AHEAD);
  }

  private static void launchNorm(CudaFunction function, Tensor x) {
    long groups = Vectors.ceilDiv(Expect.rows(x), TILE);
    long tiles = Vectors.ceilDiv(Expect.columns(x), TILE);
    function.launch((groups + AHEAD) * (STATISTICS_BLOCKS + tiles), THREADS);
  }

  @Override
  public void quantizeSwiGlu(Target out, Tensor gateUp) {
    long height = Expect.rows(gateUp);
    int width = Expect.columns(gateUp) / 2;
    Expect.dtype("gateUp of quantizeSwiGlu", gateUp, DType.BF16);
    launch(begin("quantize_swiglu", out, height, width, width).arg(gateUp), height, width);
  }

  @Override
  public void quantizeSwiGluBackward(Target dGateUp, Tensor dOut, Tensor gateUp) {
    long height = Expect.rows(dOut);
    int width = Expect.columns(dOut);
    Expect.dtype("dOut of quantizeSwiGluBackward", dOut, DType.BF16);
    Expect.matrix("gateUp of quantizeSwiGluBackward", gateUp, height, 2L * width);
    Expect.sameType("gateUp of quantizeSwiGluBackward", gateUp, dOut);
    CudaFunction function = begin("quantize_swiglu_backward", dGateUp, height, width, 2 * width);
    launch(function.arg(dOut).arg(gateUp), height, width);
  }

  /**
   * Returns the kernel with the arguments that all of them begin with.
   *
   * @param width that the kernel counts with
   * @param targetWidth columns of the target
   */
  private CudaFunction begin(String name, Target out, long height, int width, int targetWidth) {
    Tensor some = out.rows() == null ? Objects.requireNonNull(out.columns()) : out.rows();
    check("rows of the target", out.rows(), some.dtype(), height, targetWidth);
    check("columns of the target", out.columns(), some.dtype(), targetWidth, height);
    value("scale of the target", out.scale());
    value("amax of the target", out.amax());
    CudaFunction function = modules.function(new Fp8Variant(some.dtype()), name);
    return function
        .arg(address(out.rows()))
        .arg(address(out.columns()))
        .arg(out.scale())
        .arg(out.amax())
        .arg(height)
        .arg(width);
  }

  private static long address(@Nullable Tensor tensor) {
    return tensor == null ? 0 : Address.of(tensor);
  }

  private static void check(
      String name, @Nullable Tensor tensor, DType dtype, long rows, long columns) {
    if (tensor != null) {
      Expect.float8(name, tensor);
      Expect.dtype(name, tensor, dtype);
      Expect.matrix(name, tensor, rows, columns);
      Expect.multiple(name, tensor, MULTIPLE);
    }
  }

  private static void value(String name, Tensor tensor) {
    Expect.dtype(name, tensor, DType.F32);
    Expect.elements(name, tensor, 1);
  }

  private static void launch(CudaFunction function, long height, int width) {
    int down = Math.toIntExact(Vectors.ceilDiv(height, TILE));
    function.launch(Vectors.ceilDiv(width, TILE), down, 1, THREADS, 1);
  }

  @Override
  public void transpose(Tensor out, Tensor in) {
    long height = Expect.rows(in);
    int width = Expect.columns(in);
    Expect.float8("in of transpose", in);
    Expect.multiple("in of transpose", in, MULTIPLE);
    Expect.dtype("out of transpose", out, in.dtype());
    Expect.matrix("out of transpose", out, width, height);
    CudaFunction function = modules.function(new Fp8Variant(in.dtype()), "transpose");
    launch(function.arg(out).arg(in).arg(height).arg(width), height, width);
  }

  @Override
  public void amax(Tensor amax, Tensor x) {
    value("amax", amax);
    Expect.dtype("x of amax", x, DType.BF16);
    Expect.multiple("x of amax", x, MULTIPLE);
    long blocks = Vectors.ceilDiv(x.numElements(), (long) THREADS * Vectors.width(x.dtype(), 8, x));
    CudaFunction function = modules.function(new Fp8Variant(DType.F8_E4M3), "amax");
    function.arg(amax).arg(x).arg(x.numElements());
    function.launch(Math.min(blocks, (long) BLOCKS_PER_MULTIPROCESSOR * multiprocessors), THREADS);
  }

  @Override
  public void scales(Tensor scale, Tensor inverse, Tensor amax, Tensor limit) {
    int count = checkScales(scale, inverse, amax, limit);
    CudaFunction function = modules.function(new ScalesVariant(), "scales");
    function.arg(scale).arg(inverse).arg(amax).arg(limit).arg(count);
    function.launch(Vectors.ceilDiv(count, THREADS), THREADS);
  }

  @Override
  public void delayedScales(
      Tensor scale, Tensor inverse, Tensor history, Tensor amax, Tensor limit, Window window) {
    int count = checkScales(scale, inverse, amax, limit);
    int length = Expect.columns(history);
    Expect.dtype("history of delayedScales", history, DType.F32);
    Expect.matrix("history of delayedScales", history, count, length);
    CudaFunction function = modules.function(new ScalesVariant(), "delayed_scales");
    function.arg(scale).arg(inverse).arg(history).arg(amax).arg(limit).arg(length);
    function.arg(window == Window.MOST_RECENT ? 1L : 0L).launch(count, THREADS);
  }

  private static void inverses(String name, Tensor tensor, long count) {
    Expect.dtype(name, tensor, DType.F32);
    Expect.elements(name, tensor, count * INVERSE_SIZE);
  }

  private static int checkScales(Tensor scale, Tensor inverse, Tensor amax, Tensor limit) {
    long count = scale.numElements();
    inverses("inverses of scales", inverse, count);
    for (Tensor tensor : new Tensor[] {scale, amax, limit}) {
      Expect.dtype("scales and their amaxes", tensor, DType.F32);
      Expect.elements("scales and their amaxes", tensor, count);
    }
    return Math.toIntExact(count);
  }

  @Override
  public void tally(Tensor tally, Tensor x, Tensor scale) {
    Expect.dtype("tally", tally, DType.F64);
    Expect.elements("tally", tally, TALLY_SIZE);
    Expect.float8("x of tally", x);
    Expect.multiple("x of tally", x, MULTIPLE);
    value("scale of tally", scale);
    long blocks = Vectors.ceilDiv(x.numElements(), (long) THREADS * MULTIPLE);
    CudaFunction function = modules.function(new Fp8Variant(x.dtype()), "tally");
    function.arg(tally).arg(x).arg(scale).arg(x.numElements());
    function.launch(Math.min(blocks, (long) BLOCKS_PER_MULTIPROCESSOR * multiprocessors), THREADS);
  }

  @Override
  public void multiply(Tensor out, Operand a, Operand b, Sums sums, Accumulate accumulate) {
    inverses("inverse of a", a.inverse(), 1);
    inverses("inverse of b", b.inverse(), 1);
    matmul.fp8(out, a, b, sums, accumulate);
  }
}
