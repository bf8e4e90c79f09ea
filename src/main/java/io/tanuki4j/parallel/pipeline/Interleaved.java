package io.tanuki4j.parallel.pipeline;

import io.tanuki4j.error.UserException;
import java.util.List;

/**
 * Interleaved 1F1B (Narayanan et al., 2021): a stage has several chunks, so that a micro-batch
 * passes it several times and the pipeline fills and empties in smaller pieces. The share of idle
 * time falls by the number of chunks; activations in flight and messages grow.
 *
 * <p>A forward and a backward form one step with one exchange after it. All stages then exchange in
 * step: the k-th exchange of a stage meets the (k+1)-th of the stage before it.
 */
public final class Interleaved implements PipelineSchedule {
  @Override
  public String name() {
    return "interleaved 1f1b";
  }

  /**
   * @throws UserException if the micro-batches can't be divided by the stages
   */
  @Override
  public List<Action> actions(PipelineShape shape, int stage) {
    if (shape.numMicrobatches() % shape.numStages() != 0) {
      throw new UserException(refusal(shape));
    }
    List<ChunkPass> forwards = VirtualOrder.forwards(shape);
    List<ChunkPass> backwards = VirtualOrder.backwards(shape);
    int warmUp = warmUp(shape, stage);
    ActionListBuilder steps = new ActionListBuilder(shape, stage);
    for (int i = 0; i < warmUp; i++) {
      steps.add(forwards.get(i));
    }
    for (int i = warmUp; i < forwards.size(); i++) {
      steps.add(forwards.get(i), backwards.get(i - warmUp));
    }
    for (int i = forwards.size() - warmUp; i < backwards.size(); i++) {
      steps.add(backwards.get(i));
    }
    return steps.actions();
  }

  /** Returns the number of forwards before the first backward. */
  private static int warmUp(PipelineShape shape, int stage) {
    int numStages = shape.numStages();
    int untilFirstBackward = 2 * (numStages - stage - 1) + (shape.numChunks() - 1) * numStages;
    return Math.min(untilFirstBackward, numUnits(shape));
  }

  private static int numUnits(PipelineShape shape) {
    return shape.numChunks() * shape.numMicrobatches();
  }

  private static String refusal(PipelineShape shape) {
    return ("micro-batches per iteration: %d (expected: a multiple of --pipeline-model-parallel-size"
            + " %d where stages have several chunks). Change --global-batch-size, or leave out"
            + " --num-layers-per-virtual-pipeline-stage and"
            + " --num-virtual-stages-per-pipeline-rank.")
        .formatted(shape.numMicrobatches(), shape.numStages());
  }
}
