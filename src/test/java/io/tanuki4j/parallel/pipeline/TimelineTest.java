package io.tanuki4j.parallel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.parallel.pipeline.Timeline.Costs;
import java.util.List;
import org.junit.jupiter.api.Test;

class TimelineTest {
  private static final double ROUNDING = 1e-12;

  @Test
  void messages_take_their_time_while_both_ends_wait() {
    Timeline timeline =
        Timeline.of(new OneForwardOneBackward(), new PipelineShape(2, 1, 1), costs(1, 0.5));
    assertThat(timeline.seconds()).isEqualTo(1 + 0.5 + 1 + 2 + 0.5 + 2, within(ROUNDING));
    assertThat(timeline.busySeconds()).isEqualTo(List.of(3.0, 3.0));
    assertThat(timeline.bubble()).isEqualTo(2 * 7 / 6.0 - 1, within(ROUNDING));
  }

  @Test
  void the_slowest_stage_sets_the_pace() {
    int numMicrobatches = 10;
    Timeline timeline =
        Timeline.of(
            new OneForwardOneBackward(), new PipelineShape(2, 1, numMicrobatches), costs(3, 0));
    // The last stage is three times slower; it waits for the first forward and the last backward.
    assertThat(timeline.seconds()).isEqualTo(1 + numMicrobatches * 9 + 2, within(ROUNDING));
    assertThat(timeline.busySeconds()).isEqualTo(List.of(30.0, 90.0));
  }

  @Test
  void one_stage_never_waits() {
    Timeline timeline =
        Timeline.of(new OneForwardOneBackward(), new PipelineShape(1, 1, 7), costs(1, 5));
    assertThat(timeline.seconds()).isEqualTo(21);
    assertThat(timeline.bubble()).isZero();
  }

  /** Forward 1, backward 2, the last of two stages slower. */
  private static Costs costs(double slowness, double transfer) {
    return new Costs() {
      @Override
      public double compute(int stage, ChunkPass unit) {
        return (unit.isForward() ? 1 : 2) * (stage == 1 ? slowness : 1);
      }

      @Override
      public double transfer() {
        return transfer;
      }
    };
  }
}
