package io.tanuki4j.parallel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SlotPlanTest {
  @Test
  void micro_batches_rotate_through_the_slots_of_1f1b() {
    SlotPlan plan = SlotPlan.of(new OneForwardOneBackward().actions(new PipelineShape(4, 1, 7), 1));
    assertThat(plan.numSlots()).isEqualTo(3);
    assertThat(IntStream.range(0, 7).map(i -> plan.slotOf(ChunkPass.forward(0, i))))
        .containsExactly(0, 1, 2, 0, 1, 2, 0);
    assertThat(IntStream.range(0, 7).map(i -> plan.slotOf(ChunkPass.backward(0, i))))
        .containsExactly(0, 1, 2, 0, 1, 2, 0);
  }

  @Test
  void chunks_share_the_slots_of_interleaved_stages() {
    // Of stage 1: F0.0 F1.0 F0.1 B0.1 F1.1 B1.1 B0.0 B1.0
    SlotPlan plan = SlotPlan.of(new Interleaved().actions(new PipelineShape(2, 2, 2), 1));
    assertThat(plan.numSlots()).isEqualTo(3);
    assertThat(plan.slotOf(ChunkPass.forward(1, 0))).isEqualTo(2);
    assertThat(plan.slotOf(ChunkPass.forward(1, 1))).isEqualTo(2);
  }

  @Test
  void evaluation_needs_one_slot() {
    SlotPlan plan = SlotPlan.of(new ForwardOnly().actions(new PipelineShape(2, 2, 4), 0));
    assertThat(plan.numSlots()).isEqualTo(1);
  }

  @Test
  void a_unit_of_another_schedule_is_a_broken_invariant() {
    SlotPlan plan = SlotPlan.of(new ForwardOnly().actions(new PipelineShape(2, 1, 4), 0));
    assertThatThrownBy(() -> plan.slotOf(ChunkPass.forward(0, 4)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("F4.0 is not in the schedule");
  }
}
