package io.tanuki4j.run;

import static io.tanuki4j.tensor.DType.BF16;

import io.tanuki4j.config.Precision;
import io.tanuki4j.error.UserException;
import io.tanuki4j.model.ModelConfig.Granularity;
import io.tanuki4j.model.ModelConfig.Recompute;
import io.tanuki4j.nn.fp8.Fp8Config;
import io.tanuki4j.optim.StateTypes;
import io.tanuki4j.run.RankModel.PlanRequest;
import io.tanuki4j.tensor.DType;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * Bytes of device memory that a rank takes, found by building its part of the model on a device
 * that only counts, with groups that send nothing. Workspaces of libraries come on top.
 *
 * @param weights as the model computes with them, those in eight bits too
 * @param optimizer main weights and moments
 * @param activations the most that the micro-batches in flight hold, inputs included
 * @param microbatch the most that one of them holds
 */
public record MemoryPlan(
    long weights, long gradients, long optimizer, long activations, long microbatch) {
  /** The plan of a rank whose memory was not planned. */
  public static final MemoryPlan NONE = new MemoryPlan(0, 0, 0, 0, 0);

  private static final String SHARDED = "--use-distributed-optimizer";

  public static MemoryPlan of(PlanRequest request) {
    try (Rehearsal rehearsal = new Rehearsal(request)) {
      return rehearsal.microbatches().memory();
    }
  }

  /**
   * @param bytesFree on the rank's device
   * @param numRanks that share them
   * @throws UserException with what there is, and which flags would fit, if the rank needs more
   *     than its part
   */
  static MemoryPlan thatFits(PlanRequest request, long bytesFree, int numRanks) {
    MemoryPlan plan = of(request);
    long share = bytesFree / numRanks;
    if (plan.total() > share) {
      String free =
          numRanks == 1
              ? "the %.2f GiB that are free".formatted(gib(bytesFree))
              : "%.2f GiB, as %d ranks share the %.2f GiB that are free"
                  .formatted(gib(share), numRanks, gib(bytesFree));
      throw new UserException(
          "memory: %s (expected: at most %s). %s".formatted(plan, free, remedy(request, share)));
    }
    return plan;
  }

  /** Returns a sentence that says which flags would fit. */
  public static String remedy(PlanRequest request, long bytesFree) {
    Map<String, MemoryPlan> changes = new LinkedHashMap<>();
    if (request.microBatchSize() > 1) {
      changes.put("--micro-batch-size 1", of(request.withMicroBatchSize(1)));
    }
    Recompute recompute = new Recompute(Granularity.FULL_UNIFORM, 1);
    String again =
        "--recompute-granularity full --recompute-method uniform --recompute-num-layers 1";
    if (request.repeatsOptimizer()) {
      PlanRequest sharded = request.withDistributedOptimizer();
      changes.put(SHARDED, of(sharded));
      changes.put(SHARDED + " " + again, of(sharded.withRecompute(recompute)));
    }
    changes.put(again, of(request.withRecompute(recompute)));
    String type =
        request.precision().compute() == DType.F16 ? "--bf16 (instead of --fp16)" : "--bf16";
    String narrow = type + " --main-grads-dtype bf16 --exp-avg-dtype bf16 --exp-avg-sq-dtype bf16";
    Fp8Config fp8 = request.precision().fp8();
    Precision narrowState = new Precision(BF16, BF16, new StateTypes(DType.F32, BF16, BF16), fp8);
    changes.put(narrow, of(request.withPrecision(narrowState)));
    Precision narrowest = new Precision(BF16, BF16, new StateTypes(BF16, BF16, BF16), fp8);
    String allNarrow = narrow + " --main-params-dtype bf16";
    changes.put(allNarrow, of(request.withPrecision(narrowest)));
    String fewTokens = request.microBatchSize() > 1 ? "--micro-batch-size 1 " : "";
    changes.put(
        fewTokens + again + " " + allNarrow,
        of(request.withMicroBatchSize(1).withPrecision(narrowest).withRecompute(recompute)));
    return changes.entrySet().stream()
        .filter(change -> change.getValue().total() <= bytesFree)
        .map(change -> "%s (%.2f GiB)".formatted(change.getKey(), gib(change.getValue().total())))
        .reduce((left, right) -> left + ", or " + right)
        .map(fitting -> "These would fit: " + fitting + ".")
        .orElse("Use a smaller model, or more GPUs.");
  }

  public long total() {
    return weights + gradients + optimizer + activations;
  }

  /** Formats a line of the log: {@code weights 4.25, gradients 8.50, …, total 44.50 GiB}. */
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "weights %.2f, gradients %.2f, optimizer %.2f, activations %.2f, total %.2f GiB",
        gib(weights),
        gib(gradients),
        gib(optimizer),
        gib(activations),
        gib(total()));
  }

  public static double gib(long bytes) {
    return bytes / (double) (1L << 30);
  }
}
