package io.tanuki4j.parallel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.EnumSet;
import java.util.List;
import org.junit.jupiter.api.Test;

class RankGridTest {
  /** The example of Megatron-LM's documentation: 16 ranks, tp 2, dp 2, pp 4. */
  private final RankGrid grid = new RankGrid(ParallelDims.of(2, 1, 2, 4));

  @Test
  void groups_are_those_of_megatrons_example() {
    assertThat(grid.groups(EnumSet.of(Axis.TP)))
        .startsWith(List.of(0, 1), List.of(2, 3))
        .endsWith(List.of(14, 15))
        .hasSize(8);
    assertThat(grid.groups(EnumSet.of(Axis.DP)))
        .containsExactly(
            List.of(0, 2),
            List.of(1, 3),
            List.of(4, 6),
            List.of(5, 7),
            List.of(8, 10),
            List.of(9, 11),
            List.of(12, 14),
            List.of(13, 15));
    assertThat(grid.groups(EnumSet.of(Axis.PP)))
        .containsExactly(
            List.of(0, 4, 8, 12),
            List.of(1, 5, 9, 13),
            List.of(2, 6, 10, 14),
            List.of(3, 7, 11, 15));
    assertThat(grid.groups(EnumSet.of(Axis.TP, Axis.PP)))
        .containsExactly(List.of(0, 1, 4, 5, 8, 9, 12, 13), List.of(2, 3, 6, 7, 10, 11, 14, 15));
  }

  @Test
  void embedding_groups_hold_first_and_last_stage_and_leave_the_others_alone() {
    assertThat(grid.embeddingGroups())
        .contains(
            List.of(0, 12), List.of(1, 13), List.of(2, 14), List.of(3, 15), List.of(4), List.of(11))
        .hasSize(12);
    assertThat(new RankGrid(ParallelDims.of(1, 1, 2, 1)).embeddingGroups())
        .containsExactly(List.of(0), List.of(1));
  }

  @Test
  void coordinates_follow_the_order_tp_cp_dp_pp() {
    RankGrid deep = new RankGrid(ParallelDims.of(2, 3, 5, 7));
    for (int pp = 0; pp < 7; pp++) {
      for (int dp = 0; dp < 5; dp++) {
        int rank = 1 + 2 * (2 + 3 * (dp + 5 * pp));
        assertThat(deep.coordinate(rank, Axis.TP)).isEqualTo(1);
        assertThat(deep.coordinate(rank, Axis.CP)).isEqualTo(2);
        assertThat(deep.coordinate(rank, Axis.DP)).isEqualTo(dp);
        assertThat(deep.coordinate(rank, Axis.PP)).isEqualTo(pp);
      }
    }
  }

  @Test
  void the_other_order_puts_stages_before_replicas() {
    RankGrid other = new RankGrid(ParallelDims.of(2, 1, 2, 2), RankOrder.TP_CP_PP_DP);
    assertThat(other.groups(EnumSet.of(Axis.PP))).contains(List.of(0, 2), List.of(5, 7));
    assertThat(other.groups(EnumSet.of(Axis.DP))).contains(List.of(0, 4), List.of(3, 7));
  }

  @Test
  void each_rank_is_in_one_group_with_those_that_differ_along_its_axes_only() {
    RankGrid deep = new RankGrid(ParallelDims.of(2, 2, 2, 2));
    for (EnumSet<Axis> axes :
        List.of(EnumSet.of(Axis.CP), EnumSet.of(Axis.CP, Axis.DP), EnumSet.of(Axis.TP, Axis.PP))) {
      List<List<Integer>> groups = deep.groups(axes);
      assertThat(groups.stream().flatMap(List::stream)).hasSize(16).doesNotHaveDuplicates();
      for (Axis other : EnumSet.complementOf(axes)) {
        assertThat(groups)
            .allSatisfy(
                group ->
                    assertThat(group)
                        .extracting(r -> deep.coordinate(r, other))
                        .containsOnly(deep.coordinate(group.get(0), other)));
      }
    }
  }

  @Test
  void refuses_a_rank_that_does_not_exist() {
    assertThatThrownBy(() -> grid.coordinate(16, Axis.TP))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("rank 16 (expected: 0 to 15)");
  }
}
