package io.tanuki4j.parallel.pipeline;

import io.tanuki4j.parallel.pipeline.Action.Exchange;
import io.tanuki4j.parallel.pipeline.Action.Transfer;
import io.tanuki4j.parallel.pipeline.ChunkPass.Direction;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What every stage's actions must fulfil, whoever made them: each unit once, a forward before its
 * backward, the halves of a backward in order, what a unit needs received before it, what it makes
 * sent after it, and gradients of weights in the order of the micro-batches.
 */
final class ScheduleChecker {
  private final PipelineShape shape;
  private final int stage;
  private final Set<ChunkPass> computed = new HashSet<>();
  private final Set<ChunkPass> received = new HashSet<>();
  private final Set<ChunkPass> sent = new HashSet<>();
  private final Map<Integer, Integer> lastOfWeights = new HashMap<>();
  private int live;
  private int mostLive;

  private ScheduleChecker(PipelineShape shape, int stage) {
    this.shape = shape;
    this.stage = stage;
  }

  /**
   * Checks an iteration of training, and returns how many forwards wait for their backward at most.
   */
  static int checkTraining(PipelineShape shape, int stage, List<Action> actions) {
    ScheduleChecker checker = new ScheduleChecker(shape, stage);
    checker.walk(actions);
    checker.expectAll(Direction.FORWARD);
    if (checker.isSplit()) {
      checker.expectAll(Direction.INPUT_GRADIENT);
      checker.expectAll(Direction.WEIGHT_GRADIENT);
    } else {
      checker.expectAll(Direction.BACKWARD);
    }
    check(checker.live == 0, "a forward without its backward");
    return checker.mostLive;
  }

  static void checkEvaluation(PipelineShape shape, int stage, List<Action> actions) {
    ScheduleChecker checker = new ScheduleChecker(shape, stage);
    checker.walk(actions);
    checker.expectAll(Direction.FORWARD);
    check(
        checker.computed.size() == shape.numChunks() * shape.numMicrobatches(),
        "a backward in an evaluation");
  }

  private void walk(List<Action> actions) {
    for (Action action : actions) {
      List<Transfer> receives = List.of();
      if (action instanceof Exchange exchange) {
        receives = exchange.receives();
        check(exchange.sends().size() + receives.size() > 0, "an empty exchange");
        exchange.sends().forEach(this::send);
      }
      action.units().forEach(this::compute);
      receives.forEach(this::receive);
    }
  }

  private void compute(ChunkPass unit) {
    check(computed.add(unit), unit + " computed twice");
    boolean starts = unit.isLocal() || (unit.isForward() ? isFirst(unit) : isLast(unit));
    check(starts != received.contains(unit), unit + " without its input, or with one too many");
    if (unit.isForward()) {
      live++;
      mostLive = Math.max(mostLive, live);
    } else {
      check(
          computed.contains(ChunkPass.forward(unit.chunk(), unit.microbatch())),
          unit + " before its forward");
    }
    if (unit.isLocal()) {
      check(
          computed.contains(ChunkPass.inputGradient(unit.chunk(), unit.microbatch())),
          unit + " before the first half");
    }
    if (unit.endsMicrobatch()) {
      live--;
    }
    if (unit.isLocal()) {
      Integer before = lastOfWeights.put(unit.chunk(), unit.microbatch());
      check((before == null ? 0 : before + 1) == unit.microbatch(), unit + " out of order");
    }
  }

  private void send(Transfer transfer) {
    ChunkPass unit = transfer.unit();
    check(computed.contains(unit) && sent.add(unit), unit + " sent twice or too early");
    check(unit.isForward() ? !isLast(unit) : !isFirst(unit), unit + " sent by an end");
    check(transfer.peer() == peer(unit.isForward()), unit + " sent to " + transfer.peer());
  }

  private void receive(Transfer transfer) {
    ChunkPass unit = transfer.unit();
    check(!computed.contains(unit) && received.add(unit), unit + " received twice or too late");
    check(transfer.peer() == peer(!unit.isForward()), unit + " received from " + transfer.peer());
  }

  private int peer(boolean after) {
    return (stage + (after ? 1 : shape.numStages() - 1)) % shape.numStages();
  }

  private boolean isFirst(ChunkPass unit) {
    return stage == 0 && unit.chunk() == 0;
  }

  private boolean isLast(ChunkPass unit) {
    return stage == shape.numStages() - 1 && unit.chunk() == shape.numChunks() - 1;
  }

  private boolean isSplit() {
    return computed.stream().anyMatch(ChunkPass::isLocal);
  }

  private void expectAll(Direction direction) {
    for (int chunk = 0; chunk < shape.numChunks(); chunk++) {
      for (int i = 0; i < shape.numMicrobatches(); i++) {
        ChunkPass unit = new ChunkPass(direction, chunk, i);
        check(computed.contains(unit), unit + " not computed");
        boolean ends = unit.isLocal() || (unit.isForward() ? isLast(unit) : isFirst(unit));
        check(ends != sent.contains(unit), unit + " not sent, or sent by an end");
      }
    }
  }

  private static void check(boolean condition, String otherwise) {
    if (!condition) {
      throw new AssertionError(otherwise);
    }
  }
}
