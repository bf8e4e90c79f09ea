package io.tanuki4j.parallel.pipeline;

import io.tanuki4j.parallel.pipeline.Action.Exchange;
import io.tanuki4j.parallel.pipeline.Action.Transfer;
import java.util.ArrayList;
import java.util.List;

/**
 * Runs the actions of all stages in simulated time. Nothing is buffered: a message passes when both
 * ends have posted it. Meanwhile a stage computes what the exchange says, and then continues once
 * all messages of its exchange have passed. The n-th message that a stage sends to another is the
 * n-th that the other receives from it.
 */
final class Simulation {
  private final PipelineShape shape;
  private final Timeline.Costs costs;
  private final List<Stage> stages = new ArrayList<>();
  private final List<List<Channel>> channels = new ArrayList<>();

  /**
   * @param actions of each stage
   */
  Simulation(PipelineShape shape, List<List<Action>> actions, Timeline.Costs costs) {
    this.shape = shape;
    this.costs = costs;
    for (int stage = 0; stage < actions.size(); stage++) {
      stages.add(new Stage(stage, actions.get(stage)));
      channels.add(actions.stream().map(receiver -> new Channel()).toList());
    }
  }

  /**
   * @throws IllegalStateException if stages wait for each other forever, or a message is not the
   *     one that its receiver needs
   */
  Timeline run() {
    boolean progress = true;
    while (progress) {
      progress = false;
      for (Stage stage : stages) {
        progress |= stage.advance();
      }
    }
    List<Stage> stuck = stages.stream().filter(stage -> !stage.isDone()).toList();
    if (!stuck.isEmpty()) {
      throw new IllegalStateException("deadlock: " + stuck);
    }
    double seconds = stages.stream().mapToDouble(stage -> stage.time).max().orElseThrow();
    return new Timeline(seconds, stages.stream().map(stage -> stage.busy).toList());
  }

  private final class Stage {
    private final int index;
    private final List<Action> actions;
    private int next;
    private double time;
    private double busy;
    private boolean moved;
    private final List<Channel.Message> posted = new ArrayList<>();

    Stage(int index, List<Action> actions) {
      this.index = index;
      this.actions = actions;
    }

    boolean isDone() {
      return next == actions.size();
    }

    /** Runs until the end or until an exchange has to wait; returns whether anything happened. */
    boolean advance() {
      moved = false;
      boolean goOn = true;
      while (goOn && !isDone()) {
        Action action = actions.get(next);
        goOn = action instanceof Exchange exchange ? pass(exchange) : compute(action);
        next += goOn ? 1 : 0;
        moved |= goOn;
      }
      return moved;
    }

    private boolean compute(Action action) {
      for (ChunkPass unit : action.units()) {
        double seconds = costs.compute(index, unit);
        time += seconds;
        busy += seconds;
      }
      return true;
    }

    private boolean pass(Exchange exchange) {
      if (posted.isEmpty()) {
        post(exchange);
        compute(exchange);
      }
      if (!posted.stream().allMatch(Channel.Message::hasPassed)) {
        return false;
      }
      for (Channel.Message message : posted) {
        time = Math.max(time, message.postedBothAt() + costs.transfer());
      }
      posted.clear();
      return true;
    }

    private void post(Exchange exchange) {
      moved = true;
      for (Transfer send : exchange.sends()) {
        ChunkPass consumer = shape.consumer(index, send.unit());
        posted.add(channels.get(index).get(send.peer()).send(consumer, time));
      }
      for (Transfer receive : exchange.receives()) {
        posted.add(channels.get(receive.peer()).get(index).receive(receive.unit(), time));
      }
    }

    @Override
    public String toString() {
      return "stage %d waits in action %d, %s".formatted(index, next, actions.get(next));
    }
  }
}
