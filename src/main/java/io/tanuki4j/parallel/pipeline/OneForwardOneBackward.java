package io.tanuki4j.parallel.pipeline;

import java.util.List;

/**
 * 1F1B (Narayanan et al., 2019; PipeDream-Flush in Narayanan et al., 2021): after a warm-up that
 * fills the stages behind it, a stage runs one forward and one backward in turn, so that it keeps
 * as many micro-batches as there are stages from it to the end. With one stage it is a forward and
 * a backward for each micro-batch.
 */
public final class OneForwardOneBackward implements PipelineSchedule {
  @Override
  public String name() {
    return "1f1b";
  }

  /**
   * @throws IllegalArgumentException if stages have more than one chunk
   */
  @Override
  public List<Action> actions(PipelineShape shape, int stage) {
    if (shape.numChunks() > 1) {
      throw new IllegalArgumentException(
          "chunks per pipeline stage: %d (expected: 1 for the schedule %s)"
              .formatted(shape.numChunks(), name()));
    }
    int numMicrobatches = shape.numMicrobatches();
    int warmUp = Math.min(shape.numStages() - stage - 1, numMicrobatches);
    ActionListBuilder steps = new ActionListBuilder(shape, stage);
    for (int i = 0; i < warmUp; i++) {
      steps.add(ChunkPass.forward(0, i));
    }
    for (int i = warmUp; i < numMicrobatches; i++) {
      steps.add(ChunkPass.forward(0, i));
      steps.add(ChunkPass.backward(0, i - warmUp));
    }
    for (int i = numMicrobatches - warmUp; i < numMicrobatches; i++) {
      steps.add(ChunkPass.backward(0, i));
    }
    return steps.actions();
  }
}
