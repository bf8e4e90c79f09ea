package io.tanuki4j.parallel.pipeline;

import java.util.List;

/** All forwards and no backward, for evaluation: nothing has to be kept. */
public final class ForwardOnly implements PipelineSchedule {
  @Override
  public String name() {
    return "forward only";
  }

  @Override
  public List<Action> actions(PipelineShape shape, int stage) {
    ActionListBuilder steps = new ActionListBuilder(shape, stage);
    VirtualOrder.forwards(shape).forEach(steps::add);
    return steps.actions();
  }
}
