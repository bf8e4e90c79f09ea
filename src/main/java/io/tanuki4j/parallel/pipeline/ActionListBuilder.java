package io.tanuki4j.parallel.pipeline;

import io.tanuki4j.parallel.pipeline.Action.Compute;
import io.tanuki4j.parallel.pipeline.Action.Exchange;
import io.tanuki4j.parallel.pipeline.Action.Transfer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Collects the computations of a stage and puts the exchanges between them: what one step made is
 * sent, and what the next step needs is received, as one unit.
 */
final class ActionListBuilder {
  private final PipelineShape shape;
  private final int stage;
  private final List<Action> actions = new ArrayList<>();
  private List<Transfer> unsent = List.of();
  private final List<ChunkPass> meanwhile = new ArrayList<>();

  ActionListBuilder(PipelineShape shape, int stage) {
    this.shape = shape;
    this.stage = stage;
  }

  /** Units to compute one after another, without an exchange between them. */
  void add(ChunkPass... step) {
    List<ChunkPass> units = List.of(step);
    exchange(
        units.stream().map(unit -> shape.input(stage, unit)).flatMap(Optional::stream).toList());
    units.forEach(unit -> actions.add(new Compute(unit)));
    unsent =
        units.stream().map(unit -> shape.output(stage, unit)).flatMap(Optional::stream).toList();
  }

  /** Adds a unit to compute while what the last step made is sent, and the next input received. */
  void addMeanwhile(ChunkPass unit) {
    meanwhile.add(unit);
  }

  /** Returns all actions so far, including the sends of the last step. */
  List<Action> actions() {
    exchange(List.of());
    return List.copyOf(actions);
  }

  private void exchange(List<Transfer> receives) {
    if (!unsent.isEmpty() || !receives.isEmpty()) {
      actions.add(new Exchange(unsent, receives, meanwhile));
    } else {
      meanwhile.forEach(unit -> actions.add(new Compute(unit)));
    }
    unsent = List.of();
    meanwhile.clear();
  }
}
