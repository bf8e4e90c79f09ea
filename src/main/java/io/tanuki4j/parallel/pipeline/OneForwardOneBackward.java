package io.tanuki4j.parallel.pipeline;

import java.util.ArrayList;
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
    requireOneChunk(this, shape);
    ActionListBuilder steps = new ActionListBuilder(shape, stage);
    units(shape, stage).forEach(steps::add);
    return steps.actions();
  }

  static void requireOneChunk(PipelineSchedule schedule, PipelineShape shape) {
    if (shape.numChunks() > 1) {
      throw new IllegalArgumentException(
          "chunks per pipeline stage: %d (expected: 1 for the schedule %s)"
              .formatted(shape.numChunks(), schedule.name()));
    }
  }

  /** Returns the order of a stage's forwards and backwards. */
  static List<ChunkPass> units(PipelineShape shape, int stage) {
    int numMicrobatches = shape.numMicrobatches();
    int warmUp = Math.min(shape.numStages() - stage - 1, numMicrobatches);
    List<ChunkPass> units = new ArrayList<>(2 * numMicrobatches);
    for (int i = 0; i < numMicrobatches + warmUp; i++) {
      if (i < numMicrobatches) {
        units.add(ChunkPass.forward(0, i));
      }
      if (i >= warmUp) {
        units.add(ChunkPass.backward(0, i - warmUp));
      }
    }
    return units;
  }
}
