package io.tanuki4j.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** Which GPUs write into each other's memory, as processes see them. */
class PeerReachTest {
  private static final String FIRST = "0000:18:00.0";
  private static final String SECOND = "0000:2A:00.0";

  /**
   * A process that sees some GPUs, in this order.
   *
   * @param linked whether they reach each other
   */
  private record Process(List<String> visible, boolean linked) implements PeerReach.Gpus {
    @Override
    public OptionalInt ordinalAt(String busId) {
      int index = visible.indexOf(busId);
      return index < 0 ? OptionalInt.empty() : OptionalInt.of(index);
    }

    @Override
    public boolean canAccess(int ordinal, int other) {
      assertThat(ordinal).isNotEqualTo(other);
      return linked;
    }

    boolean mayReach(String own, String other) {
      return new PeerReach(this).mayReach(ordinalAt(own).orElseThrow(), own, other);
    }
  }

  @Test
  void processes_that_see_all_gpus_reach_those_that_are_linked() {
    assertThat(new Process(List.of(FIRST, SECOND), true).mayReach(SECOND, FIRST)).isTrue();
    assertThat(new Process(List.of(FIRST, SECOND), false).mayReach(SECOND, FIRST)).isFalse();
  }

  @Test
  void processes_with_one_gpu_each_may_reach_each_other_though_both_number_theirs_0() {
    assertThat(new Process(List.of(FIRST), false).mayReach(FIRST, SECOND)).isTrue();
  }

  @Test
  void processes_on_one_gpu_do_not_though_it_has_another_number_in_each() {
    Process first = new Process(List.of(FIRST, SECOND), true);
    Process second = new Process(List.of(SECOND, FIRST), true);
    assertThat(first.mayReach(SECOND, SECOND)).isFalse();
    assertThat(second.mayReach(SECOND, SECOND)).isFalse();
  }
}
