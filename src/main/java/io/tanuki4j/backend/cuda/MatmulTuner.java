package io.tanuki4j.backend.cuda;

import static io.tanuki4j.backend.cuda.CudaException.checkBlas;

import io.tanuki4j.tensor.DType;
import java.nio.ByteBuffer;
import java.util.Optional;
import org.bytedeco.cuda.cublas.cublasLtContext;
import org.bytedeco.cuda.cublas.cublasLtMatmulAlgo_t;
import org.bytedeco.cuda.cublas.cublasLtMatmulHeuristicResult_t;
import org.bytedeco.cuda.cublas.cublasLtMatmulPreferenceOpaque_t;
import org.bytedeco.cuda.global.cublas;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;

/**
 * Chooses the algorithm of a product: times the first few that the library proposes, on the very
 * matrices, and keeps the winner on disk for the next start.
 */
final class MatmulTuner {
  private static final int MAX_CANDIDATES = 8;
  private static final int TIMED_RUNS = 3;
  private static final int WORDS = 8;
  private static final String KIND = "matmul";

  private final cublasLtContext library;
  private final DiskCache cache;
  private final String machine;
  private final CudaTimer timer;

  /**
   * @param machine the GPU's name
   */
  MatmulTuner(cublasLtContext library, DiskCache cache, String machine, CudaTimer timer) {
    this.library = library;
    this.cache = cache;
    this.machine = machine;
    this.timer = timer;
  }

  /** The plan has been placed; its output is as it was, or holds the product, afterwards. */
  cublasLtMatmulAlgo_t choose(MatmulShape shape, MatmulPlan plan) {
    String key = String.join("\n", machine, cublas.cublasLtGetVersion() + "", shape.toString());
    Optional<cublasLtMatmulAlgo_t> known =
        cache.find(KIND, key).map(MatmulTuner::fromBytes).filter(kept -> isUsable(kept, plan));
    if (known.isPresent()) {
      return known.get();
    }
    cublasLtMatmulAlgo_t best = fastest(shape, plan);
    cache.put(KIND, key, toBytes(best));
    return best;
  }

  private boolean isUsable(cublasLtMatmulAlgo_t algorithm, MatmulPlan plan) {
    try (cublasLtMatmulHeuristicResult_t result = new cublasLtMatmulHeuristicResult_t()) {
      int status =
          cublas.cublasLtMatmulAlgoCheck(
              library,
              plan.operation(),
              plan.layoutB(),
              plan.layoutA(),
              plan.layoutOut(),
              plan.layoutOut(),
              algorithm,
              result);
      return status == cublas.CUBLAS_STATUS_SUCCESS
          && result.workspaceSize() <= CudaMatmul.WORKSPACE_BYTES;
    }
  }

  /** Timed runs into a sum add next to nothing to it, so that the sum stays what it is. */
  private cublasLtMatmulAlgo_t fastest(MatmulShape shape, MatmulPlan plan) {
    try (cublasLtMatmulHeuristicResult_t candidates =
        new cublasLtMatmulHeuristicResult_t(MAX_CANDIDATES)) {
      int found = propose(shape, plan, candidates);
      plan.scale(shape.add() ? Float.MIN_NORMAL : 1);
      int best = -1;
      double bestTime = Double.POSITIVE_INFINITY;
      for (int i = 0; i < found; i++) {
        cublasLtMatmulHeuristicResult_t candidate = candidates.getPointer(i);
        double time = time(plan, candidate);
        if (time < bestTime) {
          bestTime = time;
          best = i;
        }
      }
      plan.scale(1);
      if (best < 0) {
        throw new IllegalStateException("cuBLASLt has no algorithm for " + shape);
      }
      return fromBytes(toBytes(candidates.getPointer(best).algo()));
    }
  }

  private double time(MatmulPlan plan, cublasLtMatmulHeuristicResult_t candidate) {
    cublasLtMatmulAlgo_t algorithm = candidate.algo();
    if (candidate.state() != cublas.CUBLAS_STATUS_SUCCESS
        || plan.run(algorithm) != cublas.CUBLAS_STATUS_SUCCESS) {
      return Double.POSITIVE_INFINITY;
    }
    timer.mark(0);
    for (int i = 0; i < TIMED_RUNS; i++) {
      checkBlas(plan.run(algorithm), "cublasLtMatmul");
    }
    timer.mark(1);
    return timer.millisBetween(0, 1);
  }

  private int propose(
      MatmulShape shape, MatmulPlan plan, cublasLtMatmulHeuristicResult_t candidates) {
    try (PointerPointer<Pointer> made = new PointerPointer<>(1);
        IntPointer found = new IntPointer(1)) {
      checkBlas(cublas.cublasLtMatmulPreferenceCreate(made), "cublasLtMatmulPreferenceCreate");
      cublasLtMatmulPreferenceOpaque_t preference =
          new cublasLtMatmulPreferenceOpaque_t(made.get());
      setPreferences(shape, preference);
      checkBlas(
          cublas.cublasLtMatmulAlgoGetHeuristic(
              library,
              plan.operation(),
              plan.layoutB(),
              plan.layoutA(),
              plan.layoutOut(),
              plan.layoutOut(),
              preference,
              MAX_CANDIDATES,
              candidates,
              found),
          "cublasLtMatmulAlgoGetHeuristic for " + shape);
      checkBlas(
          cublas.cublasLtMatmulPreferenceDestroy(preference), "cublasLtMatmulPreferenceDestroy");
      return found.get();
    }
  }

  /**
   * Parts of a sum are added up in fp32, in an order that does not vary; not at all where they are
   * added to BF16, because the library rounds their sum before it adds.
   */
  private static void setPreferences(
      MatmulShape shape, cublasLtMatmulPreferenceOpaque_t preference) {
    try (LongPointer bytes = new LongPointer(new long[] {CudaMatmul.WORKSPACE_BYTES})) {
      set(preference, cublas.CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, bytes, Long.BYTES);
    }
    setInt(
        preference,
        cublas.CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
        shape.add() && shape.out() == DType.BF16
            ? cublas.CUBLASLT_REDUCTION_SCHEME_NONE
            : cublas.CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE);
    int alignment = shape.alignment();
    setInt(preference, cublas.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment);
    setInt(preference, cublas.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment);
    setInt(preference, cublas.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment);
    setInt(preference, cublas.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment);
  }

  private static void setInt(
      cublasLtMatmulPreferenceOpaque_t preference, int attribute, int value) {
    try (IntPointer pointer = new IntPointer(new int[] {value})) {
      set(preference, attribute, pointer, Integer.BYTES);
    }
  }

  private static void set(
      cublasLtMatmulPreferenceOpaque_t preference, int attribute, Pointer value, long bytes) {
    checkBlas(
        cublas.cublasLtMatmulPreferenceSetAttribute(preference, attribute, value, bytes),
        "cublasLtMatmulPreferenceSetAttribute");
  }

  private static byte[] toBytes(cublasLtMatmulAlgo_t algorithm) {
    ByteBuffer bytes = ByteBuffer.allocate(WORDS * Long.BYTES);
    for (int i = 0; i < WORDS; i++) {
      bytes.putLong(algorithm.data(i));
    }
    return bytes.array();
  }

  private static cublasLtMatmulAlgo_t fromBytes(byte[] contents) {
    ByteBuffer bytes = ByteBuffer.wrap(contents);
    cublasLtMatmulAlgo_t algorithm = new cublasLtMatmulAlgo_t();
    for (int i = 0; i < WORDS; i++) {
      algorithm.data(i, bytes.getLong());
    }
    return algorithm;
  }
}
