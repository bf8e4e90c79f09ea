package io.tanuki4j.parallel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.error.UserException;
import io.tanuki4j.parallel.pipeline.Timeline.Costs;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ScheduleTest {
  private static final int MAX_STAGES = 8;
  private static final int MAX_CHUNKS = 8;
  private static final int MAX_MICROBATCHES = 64;

  private static final Set<Integer> SOME_MICROBATCHES = Set.of(1, 3, 8, 24);

  /** Sums of costs are whole numbers; only the division of the bubble rounds. */
  private static final double ROUNDING = 1e-12;

  private static final Costs UNIT_COSTS = new ComputeCosts(1, 0.5, 0.5);
  private static final Costs BACKWARD_TWICE = new ComputeCosts(1, 1, 1);

  /** Attention makes the gradients of weights the smallest part. */
  private static final Costs LONG_SEQUENCES = new ComputeCosts(10, 12, 8);

  /** The same for every stage and chunk, and messages for nothing. */
  private record ComputeCosts(double forward, double ofInput, double ofWeights) implements Costs {
    @Override
    public double compute(int stage, ChunkPass unit) {
      return switch (unit.direction()) {
        case FORWARD -> forward;
        case BACKWARD -> ofInput + ofWeights;
        case INPUT_GRADIENT -> ofInput;
        case WEIGHT_GRADIENT -> ofWeights;
      };
    }

    @Override
    public double transfer() {
      return 0;
    }
  }

  @ParameterizedTest
  @CsvSource({
    "0, F0 F1 F2 F3 B0 F4 B1 F5 B2 B3 B4 B5",
    "1, F0 F1 F2 B0 F3 B1 F4 B2 F5 B3 B4 B5",
    "2, F0 F1 B0 F2 B1 F3 B2 F4 B3 F5 B4 B5",
    "3, F0 B0 F1 B1 F2 B2 F3 B3 F4 B4 F5 B5",
  })
  void one_forward_one_backward_has_megatrons_order(int stage, String expected) {
    List<ChunkPass> units = units(new OneForwardOneBackward(), new PipelineShape(4, 1, 6), stage);
    assertThat(units)
        .extracting(unit -> unit.toString().replace(".0", ""))
        .containsExactly(expected.split(" ", -1));
  }

  @ParameterizedTest
  @CsvSource({
    "0, F0.0 F1.0 F0.1 F1.1 F2.0 B0.1 F3.0 B1.1 F2.1 B0.0 F3.1 B1.0 B2.1 B3.1 B2.0 B3.0",
    "1, F0.0 F1.0 F0.1 B0.1 F1.1 B1.1 F2.0 B0.0 F3.0 B1.0 F2.1 B2.1 F3.1 B3.1 B2.0 B3.0",
  })
  void interleaved_has_megatrons_order(int stage, String expected) {
    List<ChunkPass> units = units(new Interleaved(), new PipelineShape(2, 2, 4), stage);
    assertThat(units).extracting(ChunkPass::toString).containsExactly(expected.split(" ", -1));
  }

  @ParameterizedTest
  @CsvSource({"0, 10", "1, 8", "2, 6", "3, 4"})
  void interleaved_warms_up_as_megatron_does(int stage, int warmUp) {
    List<ChunkPass> units = units(new Interleaved(), new PipelineShape(4, 2, 8), stage);
    assertThat(units.subList(0, warmUp + 1)).allMatch(ChunkPass::isForward);
    assertThat(units.get(warmUp + 1).isForward()).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "0, F0 F1 F2 F3 X0 W0 F4 X1 W1 F5 X2 W2 X3 W3 X4 W4 X5 W5",
    "1, F0 F1 F2 X0 F3 X1 W0 F4 X2 W1 F5 X3 W2 X4 W3 X5 W4 W5",
    "2, F0 F1 X0 F2 X1 F3 X2 W0 F4 X3 W1 F5 X4 W2 X5 W3 W4 W5",
    "3, F0 X0 F1 X1 F2 X2 F3 X3 W0 F4 X4 W1 F5 X5 W2 W3 W4 W5",
  })
  void zero_bubble_has_the_papers_order(int stage, String expected) {
    List<ChunkPass> units = units(new ZeroBubble(), new PipelineShape(4, 1, 6), stage);
    assertThat(units)
        .extracting(unit -> unit.toString().replace(".0", ""))
        .containsExactly(expected.split(" ", -1));
  }

  @Test
  void gradients_of_weights_are_computed_while_messages_pass() {
    List<Action> actions = new ZeroBubble().actions(new PipelineShape(2, 1, 3), 1);
    assertThat(actions.stream().map(ScheduleTest::shown))
        .containsExactly(
            "[] [F0.0 0]",
            "F0.0",
            "X0.0",
            "[X0.0 0] [F1.0 0]",
            "F1.0",
            "X1.0",
            "[X1.0 0] [F2.0 0] W0.0",
            "F2.0",
            "X2.0",
            "[X2.0 0] [] W1.0 W2.0");
  }

  /**
   * Of Qi et al. (2023): stages wait (p − 1)(F + X − W) instead of (p − 1)(F + X + W), a third for
   * equal parts, and keep p micro-batches at most. With fewer micro-batches than stages, the first
   * stage has not as much to do before its first X as that takes to arrive.
   */
  @Test
  void zero_bubble_waits_a_third_of_1f1b_at_its_memory() {
    for (int numStages = 2; numStages <= MAX_STAGES; numStages++) {
      for (int numMicrobatches = 1; numMicrobatches <= MAX_MICROBATCHES; numMicrobatches++) {
        PipelineShape shape = new PipelineShape(numStages, 1, numMicrobatches);
        int missing = Math.max(0, numStages - numMicrobatches);
        double plain = idle(new OneForwardOneBackward(), shape, BACKWARD_TWICE);
        double zero = idle(new ZeroBubble(), shape, BACKWARD_TWICE);
        assertThat(plain).isEqualTo(3 * (numStages - 1), within(ROUNDING));
        assertThat(zero).as("%s", shape).isEqualTo(numStages - 1 + missing, within(ROUNDING));
        assertThat(mostSlots(new ZeroBubble(), shape))
            .isEqualTo(mostSlots(new OneForwardOneBackward(), shape));
      }
    }
  }

  @Test
  void zero_bubble_waits_what_gradients_of_weights_do_not_fill() {
    for (int numStages = 2; numStages <= MAX_STAGES; numStages++) {
      for (int numMicrobatches = numStages;
          numMicrobatches <= MAX_MICROBATCHES;
          numMicrobatches++) {
        PipelineShape shape = new PipelineShape(numStages, 1, numMicrobatches);
        assertThat(idle(new ZeroBubble(), shape, LONG_SEQUENCES))
            .as("%s", shape)
            .isEqualTo((numStages - 1) * (10 + 12 - 8), within(ROUNDING));
      }
    }
  }

  /** Returns how long a stage waits, on average. */
  private static double idle(PipelineSchedule schedule, PipelineShape shape, Costs costs) {
    Timeline timeline = Timeline.of(schedule, shape, costs);
    double busy = timeline.busySeconds().stream().mapToDouble(seconds -> seconds).sum();
    return timeline.seconds() - busy / shape.numStages();
  }

  /** Returns the micro-batches in flight of the stage that has most. */
  private static int mostSlots(PipelineSchedule schedule, PipelineShape shape) {
    return allStages(schedule, shape).stream()
        .mapToInt(actions -> SlotPlan.of(actions).numSlots())
        .max()
        .orElseThrow();
  }

  @Test
  void one_stage_computes_forward_and_backward_in_turn_and_exchanges_nothing() {
    List<Action> actions = new OneForwardOneBackward().actions(new PipelineShape(1, 1, 3), 0);
    assertThat(actions)
        .hasToString(
            "[Compute[unit=F0.0], Compute[unit=B0.0], Compute[unit=F1.0], Compute[unit=B1.0],"
                + " Compute[unit=F2.0], Compute[unit=B2.0]]");
  }

  @Test
  void an_exchange_joins_what_was_made_with_what_is_needed_next() {
    List<Action> actions = new OneForwardOneBackward().actions(new PipelineShape(3, 1, 2), 1);
    assertThat(actions.stream().map(ScheduleTest::shown))
        .containsExactly(
            "[] [F0.0 0]",
            "F0.0",
            "[F0.0 2] [F1.0 0]",
            "F1.0",
            "[F1.0 2] [B0.0 2]",
            "B0.0",
            "[B0.0 0] [B1.0 2]",
            "B1.0",
            "[B1.0 0] []");
  }

  @Test
  void schedules_keep_their_promises_for_some_shapes() {
    assertThat(check(shape -> SOME_MICROBATCHES.contains(shape.numMicrobatches()))).isEqualTo(368);
  }

  @Tag("slow")
  @Test
  void schedules_keep_their_promises_for_every_shape() {
    int numChecked = check(shape -> true);
    System.out.printf("%d schedules and shapes checked%n", numChecked);
    int interleaved = 64 + MAX_CHUNKS * (32 + 21 + 16 + 12 + 10 + 9 + 8);
    int forwardOnly = 64 + (MAX_STAGES - 1) * MAX_CHUNKS * MAX_MICROBATCHES;
    assertThat(numChecked).isEqualTo(2 * MAX_STAGES * MAX_MICROBATCHES + interleaved + forwardOnly);
  }

  @Test
  void one_forward_one_backward_refuses_several_chunks() {
    assertThatThrownBy(() -> new OneForwardOneBackward().actions(new PipelineShape(2, 2, 2), 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("chunks per pipeline stage: 2 (expected: 1 for the schedule 1f1b)");
  }

  @Test
  void zero_bubble_refuses_several_chunks() {
    assertThatThrownBy(() -> new ZeroBubble().actions(new PipelineShape(2, 2, 2), 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("chunks per pipeline stage: 2 (expected: 1 for the schedule zero-bubble)");
  }

  @Test
  void interleaved_refuses_micro_batches_that_stages_do_not_divide() {
    assertThatThrownBy(() -> new Interleaved().actions(new PipelineShape(4, 2, 6), 0))
        .isInstanceOf(UserException.class)
        .hasMessageStartingWith(
            "micro-batches per iteration: 6 (expected: a multiple of"
                + " --pipeline-model-parallel-size 4 where stages have several chunks).");
  }

  @Test
  void several_chunks_need_several_stages() {
    assertThatThrownBy(() -> new PipelineShape(1, 2, 4))
        .isInstanceOf(UserException.class)
        .hasMessageContaining("Leave out --num-layers-per-virtual-pipeline-stage");
  }

  @Test
  void the_checker_sees_a_deadlock() {
    PipelineShape shape = new PipelineShape(2, 1, 1);
    List<Action> second = new OneForwardOneBackward().actions(shape, 1);
    List<Action> neverReceives = new ArrayList<>(new OneForwardOneBackward().actions(shape, 0));
    neverReceives.removeIf(action -> shown(action).equals("[F0.0 1] [B0.0 1]"));
    Simulation simulation = new Simulation(shape, List.of(neverReceives, second), UNIT_COSTS);
    assertThatThrownBy(simulation::run)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith("deadlock: [stage 1 waits in action 0");
  }

  @Test
  void the_checker_sees_a_message_that_meets_the_wrong_one() {
    PipelineShape shape = new PipelineShape(2, 1, 2);
    List<List<Action>> stages = new ArrayList<>(allStages(new ForwardOnly(), shape));
    List<Action> swapped = new ArrayList<>(stages.get(1));
    Action first = swapped.get(0);
    swapped.set(0, swapped.get(2));
    swapped.set(2, first);
    stages.set(1, swapped);
    assertThatThrownBy(() -> new Simulation(shape, stages, UNIT_COSTS).run())
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("a message for F0.0 meets one for F1.0");
  }

  @Test
  void the_checker_sees_every_action_that_is_missing_or_out_of_order() {
    checkSeesMissing(new Interleaved(), new PipelineShape(3, 2, 3));
    checkSeesMissing(new ZeroBubble(), new PipelineShape(3, 1, 5));
  }

  private static void checkSeesMissing(PipelineSchedule schedule, PipelineShape shape) {
    List<Action> right = schedule.actions(shape, 1);
    for (int i = 0; i < right.size(); i++) {
      List<Action> missing = new ArrayList<>(right);
      Action action = missing.remove(i);
      assertThatThrownBy(() -> ScheduleChecker.checkTraining(shape, 1, missing))
          .as("without " + action)
          .isInstanceOf(AssertionError.class);
      List<Action> late = new ArrayList<>(missing);
      late.add(action);
      if (i < right.size() - 1) {
        assertThatThrownBy(() -> ScheduleChecker.checkTraining(shape, 1, late))
            .as("late " + action)
            .isInstanceOf(AssertionError.class);
      }
    }
  }

  /** Returns how many pairs of a schedule and a shape it has checked. */
  private static int check(Predicate<PipelineShape> selected) {
    int numChecked = 0;
    for (PipelineShape shape : shapes().filter(selected).toList()) {
      checkEvaluation(shape);
      numChecked++;
      if (shape.numChunks() == 1) {
        checkTraining(new OneForwardOneBackward(), shape);
        checkZeroBubble(shape);
        numChecked += 2;
      }
      if (shape.numMicrobatches() % shape.numStages() == 0) {
        checkTraining(new Interleaved(), shape);
        numChecked++;
      }
    }
    return numChecked;
  }

  private static void checkTraining(PipelineSchedule schedule, PipelineShape shape) {
    List<List<Action>> stages = allStages(schedule, shape);
    for (int stage = 0; stage < stages.size(); stage++) {
      List<Action> actions = stages.get(stage);
      int live = ScheduleChecker.checkTraining(shape, stage, actions);
      assertThat(live)
          .as("live on stage %d of %s", stage, shape)
          .isEqualTo(mostLive(schedule, shape, stage));
      assertThat(SlotPlan.of(actions).numSlots()).isEqualTo(live);
    }
    double ideal = (shape.numStages() - 1.0) / (shape.numMicrobatches() * shape.numChunks());
    for (Costs costs : List.of(UNIT_COSTS, BACKWARD_TWICE)) {
      assertThat(new Simulation(shape, stages, costs).run().bubble())
          .as("bubble of %s", shape)
          .isEqualTo(ideal, within(ROUNDING));
    }
  }

  private static void checkZeroBubble(PipelineShape shape) {
    for (int stage = 0; stage < shape.numStages(); stage++) {
      List<Action> actions = new ZeroBubble().actions(shape, stage);
      int live = ScheduleChecker.checkTraining(shape, stage, actions);
      assertThat(live).isEqualTo(Math.min(shape.numStages(), shape.numMicrobatches()));
      assertThat(SlotPlan.of(actions).numSlots()).isEqualTo(live);
    }
    for (Costs costs : List.of(UNIT_COSTS, BACKWARD_TWICE)) {
      assertThat(idle(new ZeroBubble(), shape, costs))
          .as("%s", shape)
          .isLessThanOrEqualTo(idle(new OneForwardOneBackward(), shape, costs));
    }
  }

  /** Activations that a stage holds at once, as the papers say. */
  private static int mostLive(PipelineSchedule schedule, PipelineShape shape, int stage) {
    int numStages = shape.numStages();
    int later = numStages - stage - 1;
    int most =
        schedule instanceof Interleaved
            ? 2 * later + (shape.numChunks() - 1) * numStages + 1
            : later + 1;
    return Math.min(most, shape.numChunks() * shape.numMicrobatches());
  }

  private static void checkEvaluation(PipelineShape shape) {
    PipelineSchedule schedule = new ForwardOnly();
    List<List<Action>> stages = allStages(schedule, shape);
    for (int stage = 0; stage < stages.size(); stage++) {
      List<Action> actions = stages.get(stage);
      ScheduleChecker.checkEvaluation(shape, stage, actions);
      assertThat(SlotPlan.of(actions).numSlots()).isEqualTo(1);
    }
    double bubble = new Simulation(shape, stages, UNIT_COSTS).run().bubble();
    if (shape.numMicrobatches() % shape.numStages() == 0) {
      double ideal = (shape.numStages() - 1.0) / (shape.numMicrobatches() * shape.numChunks());
      assertThat(bubble).as("bubble of %s", shape).isEqualTo(ideal, within(ROUNDING));
    }
  }

  private static Stream<PipelineShape> shapes() {
    return IntStream.rangeClosed(1, MAX_STAGES)
        .boxed()
        .flatMap(
            numStages ->
                IntStream.rangeClosed(1, numStages == 1 ? 1 : MAX_CHUNKS)
                    .boxed()
                    .flatMap(
                        numChunks ->
                            IntStream.rangeClosed(1, MAX_MICROBATCHES)
                                .mapToObj(m -> new PipelineShape(numStages, numChunks, m))));
  }

  private static List<List<Action>> allStages(PipelineSchedule schedule, PipelineShape shape) {
    return IntStream.range(0, shape.numStages())
        .mapToObj(stage -> schedule.actions(shape, stage))
        .toList();
  }

  private static List<ChunkPass> units(PipelineSchedule schedule, PipelineShape shape, int stage) {
    return schedule.actions(shape, stage).stream()
        .flatMap(action -> action.units().stream())
        .toList();
  }

  private static String shown(Action action) {
    if (action instanceof Action.Exchange exchange) {
      return shown(exchange.sends()) + " " + shown(exchange.receives()) + shownUnits(action);
    }
    return shownUnits(action).strip();
  }

  private static String shownUnits(Action action) {
    return action.units().stream().map(unit -> " " + unit).collect(Collectors.joining());
  }

  private static String shown(List<Action.Transfer> transfers) {
    return transfers.stream()
        .map(transfer -> transfer.unit() + " " + transfer.peer())
        .collect(Collectors.joining(", ", "[", "]"));
  }
}
