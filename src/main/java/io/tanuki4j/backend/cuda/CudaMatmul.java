package io.tanuki4j.backend.cuda;

import static io.tanuki4j.backend.cuda.CudaException.checkBlas;

import io.tanuki4j.backend.cuda.MatmulShape.Factor;
import io.tanuki4j.backend.cuda.MatmulShape.Sizes;
import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.Fp8Kernels;
import io.tanuki4j.kernel.Fp8Kernels.Operand;
import io.tanuki4j.kernel.Fp8Kernels.Sums;
import io.tanuki4j.kernel.MatmulKernels;
import io.tanuki4j.tensor.Tensor;
import java.util.HashMap;
import java.util.Map;
import org.bytedeco.cuda.cublas.cublasLtContext;
import org.bytedeco.cuda.cublas.cublasLtMatmulAlgo_t;
import org.bytedeco.cuda.global.cublas;

/**
 * Matrix products by cuBLASLt, accumulated in fp32. The first product of a shape chooses its
 * algorithm; from then on the shape has a plan.
 */
final class CudaMatmul implements MatmulKernels, AutoCloseable {
  /** The workspace that the library's fastest algorithms on current GPUs ask for. */
  static final long WORKSPACE_BYTES = 32L << 20;

  private static final int MAX_ALIGNMENT = 256;

  private final CudaStream stream;
  private final CudaWorkspace workspace;
  private final CudaTimer timer;
  private final cublasLtContext library = new cublasLtContext();
  private final MatmulTuner tuner;
  private final Map<MatmulShape, Planned> plans = new HashMap<>();

  private record Planned(PreparedMatmul plan, cublasLtMatmulAlgo_t algorithm) {}

  CudaMatmul(CudaStream stream, CudaWorkspace workspace, DiskCache cache, String machine) {
    this.stream = stream;
    this.workspace = workspace;
    timer = new CudaTimer(stream, 2);
    checkBlas(cublas.cublasLtCreate(library), "cublasLtCreate");
    tuner = new MatmulTuner(library, cache, machine, timer);
  }

  @Override
  public void matmul(Tensor out, Tensor a, Op opA, Tensor b, Op opB, Accumulate accumulate) {
    MatmulShape shape = shape(out, a, opA, b, opB, accumulate);
    if (shape.sizes().m() != 0 && shape.sizes().n() != 0) {
      Planned planned = plans.get(shape);
      run(planned == null ? choose(shape, plan(shape), out, a, b) : planned, out, a, b);
    }
  }

  /** Computes {@code out (+)= a · bᵀ} of FP8 operands, multiplied by both inverse scales. */
  void fp8(Tensor out, Operand a, Operand b, Sums sums, Accumulate accumulate) {
    MatmulShape shape = shape(out, a.values(), b.values(), sums, accumulate);
    Planned planned = plans.get(shape);
    PreparedMatmul plan = planned == null ? plan(shape) : planned.plan();
    plan.scales(Address.of(a.inverse()), Address.of(b.inverse()));
    run(
        planned == null ? choose(shape, plan, out, a.values(), b.values()) : planned,
        out,
        a.values(),
        b.values());
  }

  private void run(Planned planned, Tensor out, Tensor a, Tensor b) {
    place(planned.plan(), out, a, b);
    checkBlas(planned.plan().run(planned.algorithm()), "cublasLtMatmul");
  }

  private PreparedMatmul plan(MatmulShape shape) {
    stream.requireRunning("choose an algorithm for " + shape);
    return new PreparedMatmul(shape, library, stream.handle());
  }

  private Planned choose(MatmulShape shape, PreparedMatmul plan, Tensor out, Tensor a, Tensor b) {
    place(plan, out, a, b);
    Planned planned = new Planned(plan, tuner.choose(shape, plan));
    plans.put(shape, planned);
    return planned;
  }

  private void place(PreparedMatmul plan, Tensor out, Tensor a, Tensor b) {
    plan.place(Address.of(out), Address.of(a), Address.of(b), workspace.reserve(WORKSPACE_BYTES));
  }

  private static MatmulShape shape(
      Tensor out, Tensor a, Op opA, Tensor b, Op opB, Accumulate accumulate) {
    boolean transposeA = opA == Op.TRANSPOSE;
    boolean transposeB = opB == Op.TRANSPOSE;
    long m = transposeA ? Expect.columns(a) : Expect.rows(a);
    long k = transposeA ? Expect.rows(a) : Expect.columns(a);
    long n = transposeB ? Expect.rows(b) : Expect.columns(b);
    Expect.computeType("a of matmul", a);
    Expect.sameType("b of matmul", b, a);
    Expect.matrix("b of matmul", b, transposeB ? n : k, transposeB ? k : n);
    Expect.matrix("out of matmul", out, m, n);
    Expect.sumType("out of matmul", out, a);
    return new MatmulShape(
        new Factor(opA, a.dtype()),
        new Factor(opB, b.dtype()),
        new Sizes(m, n, k),
        out.dtype(),
        accumulate == Accumulate.ADD,
        false,
        alignment(Address.of(out) | Address.of(a) | Address.of(b)));
  }

  private static MatmulShape shape(
      Tensor out, Tensor a, Tensor b, Sums sums, Accumulate accumulate) {
    long m = Expect.rows(a);
    long n = Expect.rows(b);
    long k = Expect.columns(a);
    Expect.float8("a of an fp8 product", a);
    Expect.float8("b of an fp8 product", b);
    Expect.multiple("a of an fp8 product", a, Fp8Kernels.MULTIPLE);
    Expect.multiple("b of an fp8 product", b, Fp8Kernels.MULTIPLE);
    Expect.matrix("b of an fp8 product", b, n, k);
    Expect.computeType("out of an fp8 product", out);
    Expect.matrix("out of an fp8 product", out, m, n);
    return new MatmulShape(
        new Factor(Op.NONE, a.dtype()),
        new Factor(Op.TRANSPOSE, b.dtype()),
        new Sizes(m, n, k),
        out.dtype(),
        accumulate == Accumulate.ADD,
        sums == Sums.FAST,
        alignment(Address.of(out) | Address.of(a) | Address.of(b)));
  }

  private static int alignment(long addresses) {
    return (int) Long.lowestOneBit(addresses | MAX_ALIGNMENT);
  }

  @Override
  public void close() {
    plans.values().forEach(planned -> planned.plan().close());
    timer.close();
    checkBlas(cublas.cublasLtDestroy(library), "cublasLtDestroy");
  }
}
