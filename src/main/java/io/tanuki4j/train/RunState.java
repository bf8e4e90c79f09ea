package io.tanuki4j.train;

import io.tanuki4j.checkpoint.Checkpoint;
import io.tanuki4j.checkpoint.CheckpointStore;
import io.tanuki4j.checkpoint.Part;
import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.checkpoint.TrainState;
import io.tanuki4j.comm.TextExchange;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.nn.fp8.Fp8State;
import io.tanuki4j.optim.AdamW;
import io.tanuki4j.optim.OptimizerSchedule;
import io.tanuki4j.parallel.ParallelContext;
import io.tanuki4j.tensor.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What of a run goes into a checkpoint, and comes back from it.
 *
 * @param vocabSize ids of the tokenizer, without padding
 * @param arguments the run's flags under Megatron's attribute names
 * @param context of the ranks that save and load together, each what it has
 * @param fp8 scales of numbers of eight bits; null if there are none
 */
public record RunState(
    ParameterBuffers parameters,
    AdamW optimizer,
    OptimizerSchedule schedule,
    int vocabSize,
    Map<String, Object> arguments,
    ParallelContext context,
    @Nullable Fp8State fp8) {
  /** Megatron's name for the number of updates. */
  private static final String STEP = "step";

  /** Without numbers of eight bits. */
  public RunState(
      ParameterBuffers parameters,
      AdamW optimizer,
      OptimizerSchedule schedule,
      int vocabSize,
      Map<String, Object> arguments,
      ParallelContext context) {
    this(parameters, optimizer, schedule, vocabSize, arguments, context, null);
  }

  /** A folder of checkpoints, which all ranks open alike. */
  CheckpointStore store(Path folder, Device device) {
    return new CheckpointStore(folder, TextExchange.over(context.world(), device));
  }

  /** Megatron's word about a rank's place: {@code [ t 1/2, p 1/4 ]}. */
  String place() {
    return "[ t %d/%d, p %d/%d ]"
        .formatted(
            context.tp().rank() + 1,
            context.tp().size(),
            context.pp().rank() + 1,
            context.pp().size());
  }

  List<ShardedTensor> modelTensors() {
    return ShardedTensor.ofValues(parameters);
  }

  List<ShardedTensor> optimizerTensors() {
    List<ShardedTensor> tensors = new ArrayList<>();
    optimizer.visitState(
        (kind, part, state) ->
            tensors.addAll(ShardedTensor.of(part.parameter(), kind + ".", part.first(), state)));
    return tensors;
  }

  /** What there is of scales now. */
  List<ShardedTensor> fp8Tensors() {
    return fp8 == null ? List.of() : fp8Tensors(fp8.saved());
  }

  /**
   * Takes the scales of a checkpoint, if it has some; otherwise they start anew.
   *
   * @throws IllegalArgumentException if they do not fit
   */
  void loadFp8(Checkpoint checkpoint, Device device) {
    if (fp8 != null && fp8.remembers() && checkpoint.has(Part.FP8)) {
      checkpoint.load(device, Part.FP8, fp8Tensors(fp8.places()), vocabSize);
      fp8.restored();
    }
  }

  private static List<ShardedTensor> fp8Tensors(List<Fp8State.Saved> states) {
    List<ShardedTensor> tensors = new ArrayList<>();
    for (Fp8State.Saved state : states) {
      tensors.add(whole("scale." + state.weight(), state.scale()));
      tensors.add(whole("scale_inv." + state.weight(), state.inverse()));
      tensors.add(whole("amax_history." + state.weight(), state.history()));
    }
    return tensors;
  }

  private static ShardedTensor whole(String name, Tensor tensor) {
    return new ShardedTensor(name, tensor.shape(), 0, 0, tensor);
  }

  TrainState at(Progress progress, boolean withOptimizer) {
    return new TrainState(
        progress.iteration(),
        progress.consumedTrainSamples(),
        progress.consumedValidSamples(),
        vocabSize,
        withOptimizer ? Map.of(STEP, optimizer.numUpdates()) : Map.of(),
        withOptimizer ? schedule.state() : Map.of(),
        arguments);
  }

  /**
   * Lets the optimizer count on from a checkpoint.
   *
   * @throws IllegalArgumentException if the checkpoint does not say from where
   */
  void resumeOptimizer(TrainState saved) {
    if (!(saved.optimizer().get(STEP) instanceof Number updates)) {
      throw new IllegalArgumentException(
          "the checkpoint's optimizer state has %s: %s (expected: the number of updates). Use"
                  .formatted(STEP, saved.optimizer().get(STEP))
              + " --no-load-optim to start the optimizer anew.");
    }
    optimizer.resumeAfter(updates.longValue());
  }
}
