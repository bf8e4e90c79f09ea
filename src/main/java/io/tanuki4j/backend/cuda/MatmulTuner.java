package io.tanuki4j.backend.cuda;

import static io.tanuki4j.backend.cuda.CudaException.checkBlas;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
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
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Chooses the algorithm of a product. It times those that the library proposes, on the actual
 * matrices, and keeps the winner on disk for the next start. Large products make a GPU lower its
 * clock, and then another algorithm may win, so the best few of these are timed again for longer.
 */
final class MatmulTuner {
  private static final int MAX_CANDIDATES = 16;
  private static final int FINALISTS = 4;
  private static final int ROUNDS = 2;
  private static final Logger LOG = LoggerFactory.getLogger(MatmulTuner.class);
  private static final int TIMED_RUNS = 3;
  private static final double LARGE_MILLIS = 0.2;
  private static final double SUSTAINED_MILLIS = 60;
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

  /**
   * Chooses the algorithm of a plan that has been placed. Afterwards its output is unchanged, or
   * holds the product.
   */
  cublasLtMatmulAlgo_t choose(MatmulShape shape, PreparedMatmul plan) {
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

  private boolean isUsable(cublasLtMatmulAlgo_t algorithm, PreparedMatmul plan) {
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

  /**
   * Times the proposals and returns the fastest. Timed runs into a sum add next to nothing to it,
   * so that the sum stays what it is.
   */
  private cublasLtMatmulAlgo_t fastest(MatmulShape shape, PreparedMatmul plan) {
    try (cublasLtMatmulHeuristicResult_t candidates =
        new cublasLtMatmulHeuristicResult_t(MAX_CANDIDATES)) {
      int found = propose(shape, plan, candidates);
      plan.scale(shape.add() ? Float.MIN_NORMAL : 1);
      List<Candidate> usable = new ArrayList<>();
      for (int i = 0; i < found; i++) {
        usable(candidates.getPointer(i), plan).ifPresent(usable::add);
      }
      if (usable.isEmpty()) {
        throw new IllegalStateException("cuBLASLt has no algorithm for " + shape);
      }
      usable.sort(Comparator.comparingDouble(Candidate::millis));
      if (usable.get(0).millis() > LARGE_MILLIS) {
        sustain(usable.subList(0, Math.min(FINALISTS, usable.size())), plan);
      }
      plan.scale(1);
      return fromBytes(toBytes(usable.get(0).algorithm()));
    }
  }

  /**
   * @param millis of one run
   */
  private record Candidate(cublasLtMatmulAlgo_t algorithm, double millis) {}

  private Optional<Candidate> usable(
      cublasLtMatmulHeuristicResult_t proposal, PreparedMatmul plan) {
    cublasLtMatmulAlgo_t algorithm = proposal.algo();
    if (proposal.state() != cublas.CUBLAS_STATUS_SUCCESS
        || plan.run(algorithm) != cublas.CUBLAS_STATUS_SUCCESS) {
      return Optional.empty();
    }
    return Optional.of(new Candidate(algorithm, millis(plan, algorithm, TIMED_RUNS)));
  }

  /** Times each of them in turn, and sorts them by their times. */
  private void sustain(List<Candidate> finalists, PreparedMatmul plan) {
    double[] millis = new double[finalists.size()];
    int runs = (int) Math.ceil(SUSTAINED_MILLIS / finalists.get(0).millis());
    for (int round = 0; round < ROUNDS; round++) {
      for (int i = 0; i < millis.length; i++) {
        millis[i] += millis(plan, finalists.get(i).algorithm(), runs);
      }
    }
    for (int i = 0; i < millis.length; i++) {
      LOG.debug("finalist {}: {} ms, then {} ms", i, finalists.get(i).millis(), millis[i] / ROUNDS);
      finalists.set(i, new Candidate(finalists.get(i).algorithm(), millis[i] / ROUNDS));
    }
    finalists.sort(Comparator.comparingDouble(Candidate::millis));
  }

  private double millis(PreparedMatmul plan, cublasLtMatmulAlgo_t algorithm, int runs) {
    timer.mark(0);
    for (int i = 0; i < runs; i++) {
      checkBlas(plan.run(algorithm), "cublasLtMatmul");
    }
    timer.mark(1);
    return timer.millisBetween(0, 1) / runs;
  }

  private int propose(
      MatmulShape shape, PreparedMatmul plan, cublasLtMatmulHeuristicResult_t candidates) {
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

  /** Sets the preferences. Partial sums are added in fp32, in a fixed order. */
  private static void setPreferences(
      MatmulShape shape, cublasLtMatmulPreferenceOpaque_t preference) {
    try (LongPointer bytes = new LongPointer(new long[] {CudaMatmul.WORKSPACE_BYTES})) {
      set(preference, cublas.CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, bytes, Long.BYTES);
    }
    setInt(
        preference,
        cublas.CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
        cublas.CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE);
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
