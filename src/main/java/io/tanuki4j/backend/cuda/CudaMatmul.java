package io.tanuki4j.backend.cuda;

import static io.tanuki4j.backend.cuda.CudaException.checkBlas;

import io.tanuki4j.kernel.Accumulate;
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
  /** What the library's fastest algorithms on current GPUs ask for. */
  static final long WORKSPACE_BYTES = 32L << 20;

  private static final int MAX_ALIGNMENT = 256;

  private final CudaStream stream;
  private final CudaWorkspace workspace;
  private final CudaTimer timer;
  private final cublasLtContext library = new cublasLtContext();
  private final MatmulTuner tuner;
  private final Map<MatmulShape, Planned> plans = new HashMap<>();

  private record Planned(MatmulPlan plan, cublasLtMatmulAlgo_t algorithm) {}

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
    if (shape.m() == 0 || shape.n() == 0) {
      return;
    }
    Planned planned = plans.get(shape);
    if (planned == null) {
      planned = plan(shape, out, a, b);
    }
    place(planned.plan(), out, a, b);
    checkBlas(planned.plan().run(planned.algorithm()), "cublasLtMatmul");
  }

  private Planned plan(MatmulShape shape, Tensor out, Tensor a, Tensor b) {
    stream.requireRunning("choose an algorithm for " + shape);
    MatmulPlan plan = new MatmulPlan(shape, library, stream.handle());
    place(plan, out, a, b);
    Planned planned = new Planned(plan, tuner.choose(shape, plan));
    plans.put(shape, planned);
    return planned;
  }

  private void place(MatmulPlan plan, Tensor out, Tensor a, Tensor b) {
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
        opA,
        opB,
        m,
        n,
        k,
        a.dtype(),
        out.dtype(),
        accumulate == Accumulate.ADD,
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
