package io.tanuki4j.parallel.pipeline;

import io.tanuki4j.parallel.ParallelConfig;
import java.util.List;

/**
 * The order in which the stages of a pipeline work, as data: a pure function that {@link Timeline}
 * can try without a device and {@link PipelineExecutor} carries out.
 *
 * <p>A schedule promises that its actions end on every stage even if an exchange blocks until the
 * peers have posted theirs. {@link SlotPlan} says how many activations a stage holds at once.
 */
public interface PipelineSchedule {
  /** Returns the schedule in which a run trains. */
  static PipelineSchedule of(ParallelConfig config) {
    return config.zeroBubble() ? new ZeroBubble() : forTraining(config.dims().vpp());
  }

  /** Returns Megatron's choice for training stages with this number of chunks each. */
  static PipelineSchedule forTraining(int numChunks) {
    return numChunks == 1 ? new OneForwardOneBackward() : new Interleaved();
  }

  /** Returns the name for messages: {@code 1f1b}. */
  String name();

  /**
   * Returns all that a stage does in an iteration, in order.
   *
   * @throws IllegalArgumentException if the schedule is not possible for this shape
   */
  List<Action> actions(PipelineShape shape, int stage);
}
