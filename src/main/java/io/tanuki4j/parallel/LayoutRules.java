package io.tanuki4j.parallel;

import io.tanuki4j.parallel.LayoutRequest.Sizes;
import java.util.Optional;

/**
 * The rules of what must divide what. Each has one sentence that names the flag and the values that
 * would do. Nothing is clamped or rounded.
 */
public final class LayoutRules {
  private static final String TP = "--tensor-model-parallel-size";
  private static final String CP = "--context-parallel-size";
  private static final String PP = "--pipeline-model-parallel-size";
  private static final String HOW_TO_START =
      "by tanuki4j launch, or as threads by --distributed-backend local";

  private final LayoutRequest request;
  private final Sizes sizes;
  private final Tally refusals;

  private LayoutRules(LayoutRequest request, Sizes sizes, LayoutProblems refusals) {
    this.request = request;
    this.sizes = sizes;
    this.refusals = new Tally(refusals);
  }

  /** Returns the layout that the flags ask for; empty if something was refused. */
  public static Optional<Layout> resolve(
      LayoutRequest request, Sizes sizes, LayoutProblems refusals) {
    return new LayoutRules(request, sizes, refusals).resolve();
  }

  private Optional<Layout> resolve() {
    positive(TP, request.tp());
    positive(CP, request.cp());
    positive(PP, request.pp());
    if (refusals.count > 0) {
      return Optional.empty();
    }
    checkTensorParallel();
    checkSequence();
    Optional<StageLayers> layers =
        new StageRules(request, sizes.model().numLayers(), refusals).resolve();
    int dp = dataParallelDegree();
    if (dp > 0) {
      checkBatch(dp, layers.map(StageLayers::chunksPerStage).orElse(1));
    }
    return refusals.count > 0
        ? Optional.empty()
        : layers.map(split -> new Layout(dims(dp, split.chunksPerStage()), split));
  }

  private ParallelDims dims(int dp, int vpp) {
    boolean split = request.sequenceParallel() && request.tp() > 1;
    return new ParallelDims(request.tp(), request.cp(), dp, request.pp(), vpp, split);
  }

  private void positive(String flag, int value) {
    if (value < 1) {
      refusals.add(flag, value, "1 or more", "Write 1 for none.");
    }
  }

  private void checkTensorParallel() {
    tensorParallelDivides("--num-attention-heads", sizes.model().numHeads());
    tensorParallelDivides("--num-query-groups", sizes.model().numQueryGroups());
    tensorParallelDivides("--ffn-hidden-size", sizes.model().ffnHiddenSize());
    if (sizes.model().vocabSize() > 0 && sizes.model().vocabSize() < request.tp()) {
      refusals.add(
          TP,
          request.tp(),
          "at most the %d ids of the vocabulary".formatted(sizes.model().vocabSize()),
          Divisors.use(sizes.model().vocabSize(), this::fitsModel));
    }
  }

  private void tensorParallelDivides(String what, int size) {
    if (size % request.tp() != 0) {
      refusals.add(
          TP,
          request.tp(),
          "a divisor of %s %d".formatted(what, size),
          Divisors.use(Math.min(size, request.worldSize()), this::fitsModel));
    }
  }

  private boolean fitsModel(int tp) {
    return sizes.model().numHeads() % tp == 0
        && sizes.model().numQueryGroups() % tp == 0
        && sizes.model().ffnHiddenSize() % tp == 0
        && (sizes.model().vocabSize() == 0 || sizes.model().vocabSize() >= tp);
  }

  private void checkSequence() {
    int length = sizes.model().seqLength();
    int cp = request.cp();
    if (cp > 1 && length % (2 * cp) != 0) {
      refusals.add(
          CP,
          cp,
          "1, or half of a divisor of --seq-length %d".formatted(length),
          Divisors.use(
              Math.min(length, request.worldSize()), c -> c == 1 || length % (2 * c) == 0));
    } else if (request.sequenceParallel() && length / cp % request.tp() != 0) {
      int unit = cp == 1 ? request.tp() : Math.max(2, request.tp()) * cp;
      refusals.add(
          "--seq-length",
          length,
          "with --sequence-parallel, a multiple of %s %d x %s %d"
              .formatted(TP, request.tp(), CP, cp),
          Divisors.nearestMultiples(length, unit));
    }
  }

  /** Returns the degree; 0 if it is not a whole number. */
  private int dataParallelDegree() {
    int modelRanks = modelRanks();
    if (request.worldSize() < 1 || request.worldSize() % modelRanks != 0) {
      refusals.add(
          "world size",
          request.worldSize(),
          "a multiple of %s %d x %s %d x %s %d = %d"
              .formatted(TP, request.tp(), CP, request.cp(), PP, request.pp(), modelRanks),
          Divisors.nearestMultiples(Math.max(0, request.worldSize()), modelRanks)
              .replace("Use", "Start")
              .replace(".", " ranks " + HOW_TO_START + ", or change the sizes."));
      return 0;
    }
    return request.worldSize() / modelRanks;
  }

  private int modelRanks() {
    long ranks = (long) request.tp() * request.cp() * request.pp();
    return (int) Math.min(Integer.MAX_VALUE, ranks);
  }

  private void checkBatch(int dp, int vpp) {
    int perStep = sizes.microBatchSize() * dp;
    String what = "--micro-batch-size %d x data-parallel size %d".formatted(perStep / dp, dp);
    if (vpp > 1) { // the interleaved schedule takes micro-batches by as many as there are stages
      perStep *= request.pp();
      what += " x %s %d, when stages are interleaved".formatted(PP, request.pp());
    }
    if (perStep > 0 && sizes.globalBatchSize() % perStep != 0) {
      refusals.add(
          "--global-batch-size",
          sizes.globalBatchSize(),
          "a multiple of " + what,
          Divisors.nearestMultiples(sizes.globalBatchSize(), perStep));
    }
  }

  /** Counts what it passes on. */
  static final class Tally implements LayoutProblems {
    private final LayoutProblems target;
    private int count;

    Tally(LayoutProblems target) {
      this.target = target;
    }

    @Override
    public void add(String flag, Object value, String expected, String remedy) {
      count++;
      target.add(flag, value, expected, remedy);
    }
  }
}
