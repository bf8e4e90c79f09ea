package io.tanuki4j.parallel.pipeline;

import java.util.List;

/**
 * The schedule ZB-H1 of Qi et al. (2023), "Zero Bubble Pipeline Parallelism": 1F1B with backwards
 * in two halves. The stage before waits for the gradient of the input only, so each stage sends
 * that first. Gradients of weights fill the time in which a stage would wait: stage i is i
 * micro-batches late with them, and catches up at the end.
 *
 * <p>Where forward and both halves take the same time, and there are at least as many micro-batches
 * as stages, the stages wait a third of the time of 1F1B. Each keeps at most as many micro-batches
 * as there are stages, as the first stage of 1F1B does. Gradients of weights add up in the order of
 * the micro-batches, so that every sum is the same as that of 1F1B.
 */
public final class ZeroBubble implements PipelineSchedule {
  @Override
  public String name() {
    return "zero-bubble";
  }

  /**
   * @throws IllegalArgumentException if stages have more than one chunk
   */
  @Override
  public List<Action> actions(PipelineShape shape, int stage) {
    OneForwardOneBackward.requireOneChunk(this, shape);
    ActionListBuilder steps = new ActionListBuilder(shape, stage);
    int late = 0;
    for (ChunkPass unit : OneForwardOneBackward.units(shape, stage)) {
      if (unit.isForward()) {
        steps.add(unit);
        continue;
      }
      steps.add(ChunkPass.inputGradient(0, unit.microbatch()));
      late++;
      if (late > stage) {
        late--;
        steps.addMeanwhile(ChunkPass.weightGradient(0, unit.microbatch() - late));
      }
    }
    for (; late > 0; late--) {
      steps.addMeanwhile(ChunkPass.weightGradient(0, shape.numMicrobatches() - late));
    }
    return steps.actions();
  }
}
