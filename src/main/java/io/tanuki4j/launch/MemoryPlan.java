package io.tanuki4j.launch;

import static io.tanuki4j.tensor.DType.BF16;

import io.tanuki4j.backend.counting.CountingDevice;
import io.tanuki4j.config.Precision;
import io.tanuki4j.config.RunConfig;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.model.GptChunk;
import io.tanuki4j.model.ModelBuilder;
import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.model.ModelConfig.Granularity;
import io.tanuki4j.model.ModelConfig.Recompute;
import io.tanuki4j.model.ModelParameters;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.optim.AdamW;
import io.tanuki4j.optim.OptimizerConfig;
import io.tanuki4j.optim.StateTypes;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.train.MicrobatchRunner;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * Bytes of device memory that a run takes, found by building it on a device that only counts.
 * Workspaces of libraries come on top.
 *
 * @param weights as the model computes with them
 * @param optimizer main weights and moments
 * @param activations the most that a micro-batch's forward and backward hold, inputs included
 */
record MemoryPlan(long weights, long gradients, long optimizer, long activations) {
  private static final OptimizerConfig ANY = new OptimizerConfig(0.9, 0.95, 1e-8, 1);

  static MemoryPlan of(ModelConfig model, Precision precision, int microBatchSize) {
    try (CountingDevice device = new CountingDevice();
        MemoryScope scope = device.openScope("run")) {
      ParameterBuffers parameters =
          ParameterBuffers.allocate(
              ModelParameters.specs(model), scope, precision.compute(), precision.gradients());
      GptChunk chunk = new ModelBuilder(model, device, parameters, scope).build();
      AdamW optimizer = new AdamW(ANY, precision.state(), parameters, device.kernels(), scope);
      try (MicrobatchRunner<?> runner =
          new MicrobatchRunner<>(device, chunk, model.seqLength(), microBatchSize, 0)) {
        runner.rehearse();
      }
      return new MemoryPlan(
          parameters.values().numBytes(),
          parameters.grads().numBytes(),
          bytes(optimizer),
          device.peakBytes(MicrobatchRunner.SCOPE));
    }
  }

  private static long bytes(AdamW optimizer) {
    long[] bytes = {0};
    optimizer.visitState((kind, parameter, state) -> bytes[0] += state.numBytes());
    return bytes[0];
  }

  /**
   * @throws IllegalArgumentException with what there is, and which flags would fit, if the run
   *     needs more than is free
   */
  static MemoryPlan thatFits(RunConfig config, ModelConfig model, long bytesFree) {
    int microBatchSize = config.train().microBatchSize();
    MemoryPlan plan = of(model, config.precision(), microBatchSize);
    if (plan.total() > bytesFree) {
      throw new IllegalArgumentException(
          "memory: %s (expected: at most the %.2f GiB that are free). %s"
              .formatted(plan, gib(bytesFree), remedy(config, model, bytesFree)));
    }
    return plan;
  }

  private static String remedy(RunConfig config, ModelConfig model, long bytesFree) {
    Map<String, MemoryPlan> changes = new LinkedHashMap<>();
    int microBatchSize = config.train().microBatchSize();
    Precision precision = config.precision();
    if (microBatchSize > 1) {
      changes.put("--micro-batch-size 1", of(model, precision, 1));
    }
    ModelConfig recomputed = model.withRecompute(new Recompute(Granularity.FULL_UNIFORM, 1));
    changes.put(
        "--recompute-granularity full --recompute-method uniform --recompute-num-layers 1",
        of(recomputed, precision, microBatchSize));
    String narrow = "--bf16 --main-grads-dtype bf16 --exp-avg-dtype bf16 --exp-avg-sq-dtype bf16";
    Precision narrowState = new Precision(BF16, BF16, new StateTypes(DType.F32, BF16, BF16));
    changes.put(narrow, of(model, narrowState, microBatchSize));
    Precision narrowest = new Precision(BF16, BF16, new StateTypes(BF16, BF16, BF16));
    changes.put(narrow + " --main-params-dtype bf16", of(model, narrowest, microBatchSize));
    changes.put("all of these", of(recomputed, narrowest, 1));
    return changes.entrySet().stream()
        .filter(change -> change.getValue().total() <= bytesFree)
        .map(change -> "%s (%.2f GiB)".formatted(change.getKey(), gib(change.getValue().total())))
        .reduce((left, right) -> left + ", or " + right)
        .map(fitting -> "These would fit: " + fitting + ".")
        .orElse("Use a smaller model, or more GPUs.");
  }

  long total() {
    return weights + gradients + optimizer + activations;
  }

  /** For the log: {@code weights 4.25, gradients 8.50, …, total 44.50 GiB}. */
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

  private static double gib(long bytes) {
    return bytes / (double) (1L << 30);
  }
}
