package io.tanuki4j.train;

import io.tanuki4j.checkpoint.Checkpoint;
import io.tanuki4j.checkpoint.CheckpointStore;
import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.checkpoint.TrainState;
import io.tanuki4j.checkpoint.TrainState.RankTensors;
import io.tanuki4j.comm.TextExchange;
import io.tanuki4j.error.UserException;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.nn.fp8.Fp8State;
import io.tanuki4j.optim.AdamW;
import io.tanuki4j.optim.OptimizerSchedule;
import io.tanuki4j.parallel.ParallelContext;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The part of a run's state that checkpoints save and restore.
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

  /** Its name for the state of the loss scale. */
  private static final String SCALER = "grad_scaler";

  /** Creates a state without numbers of eight bits. */
  public RunState(
      ParameterBuffers parameters,
      AdamW optimizer,
      OptimizerSchedule schedule,
      int vocabSize,
      Map<String, Object> arguments,
      ParallelContext context) {
    this(parameters, optimizer, schedule, vocabSize, arguments, context, null);
  }

  /** Opens a folder of checkpoints; all ranks open it in the same way. */
  CheckpointStore store(Path folder, Device device) {
    return new CheckpointStore(folder, ranks(device));
  }

  /** Returns the ranks that save and load together, on a device. */
  TextExchange ranks(Device device) {
    return TextExchange.over(context.world(), device);
  }

  /** Returns a rank's place in Megatron's format: {@code [ t 1/2, p 1/4 ]}. */
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

  /** Returns what there is of scales now. */
  List<ShardedTensor> fp8Tensors() {
    return fp8 == null ? List.of() : Fp8Scales.tensors(fp8.saved());
  }

  /**
   * Takes the scales of a checkpoint, if it has some; otherwise they start anew.
   *
   * @return whether none are missing
   */
  boolean loadFp8(Checkpoint checkpoint, Device device) {
    return Fp8Scales.load(fp8, checkpoint, device, vocabSize);
  }

  /** Returns all tensors that a checkpoint of this rank has. */
  RankTensors tensors(boolean withOptimizer) {
    return withOptimizer
        ? new RankTensors(modelTensors(), optimizerTensors(), fp8Tensors())
        : new RankTensors(modelTensors(), List.of());
  }

  TrainState at(Progress progress, boolean withOptimizer) {
    return new TrainState(
        progress.iteration(),
        progress.consumedTrainSamples(),
        progress.consumedValidSamples(),
        vocabSize,
        withOptimizer ? optimizerScalars() : Map.of(),
        withOptimizer ? schedule.state() : Map.of(),
        arguments);
  }

  private Map<String, Object> optimizerScalars() {
    Map<String, Object> lossScale = optimizer.lossScaleState();
    return lossScale.isEmpty()
        ? Map.of(STEP, optimizer.numUpdates())
        : Map.of(STEP, optimizer.numUpdates(), SCALER, lossScale);
  }

  /**
   * Lets the optimizer count on from a checkpoint.
   *
   * @throws UserException if the checkpoint does not say from where
   */
  void resumeOptimizer(TrainState saved) {
    if (!(saved.optimizer().get(STEP) instanceof Number updates)) {
      throw new UserException(
          "the checkpoint's optimizer state has %s: %s (expected: the number of updates). Use"
                  .formatted(STEP, saved.optimizer().get(STEP))
              + " --no-load-optim to start the optimizer anew.");
    }
    Object lossScale = saved.optimizer().get(SCALER);
    optimizer.resumeAfter(
        updates.longValue(), lossScale instanceof Map<?, ?> state ? state : Map.of());
  }
}
