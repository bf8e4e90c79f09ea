package io.tanuki4j.train;

import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.checkpoint.TrainState;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.optim.AdamW;
import io.tanuki4j.optim.OptimizerSchedule;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What of a run goes into a checkpoint, and comes back from it.
 *
 * @param vocabSize ids of the tokenizer, without padding
 * @param arguments the run's flags under Megatron's attribute names
 */
public record RunState(
    ParameterBuffers parameters,
    AdamW optimizer,
    OptimizerSchedule schedule,
    int vocabSize,
    Map<String, Object> arguments) {
  /** Megatron's name for the number of updates. */
  private static final String STEP = "step";

  List<ShardedTensor> modelTensors() {
    return ShardedTensor.ofValues(parameters);
  }

  List<ShardedTensor> optimizerTensors() {
    List<ShardedTensor> tensors = new ArrayList<>();
    optimizer.visitState(
        (kind, parameter, state) -> tensors.addAll(ShardedTensor.of(parameter, kind + ".", state)));
    return tensors;
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
