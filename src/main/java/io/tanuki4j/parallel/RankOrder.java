package io.tanuki4j.parallel;

import java.util.List;

/**
 * The order of the axes from the innermost, whose ranks follow each other: it decides which ranks
 * are neighbours.
 */
public enum RankOrder {
  /** Megatron's default. */
  TP_CP_DP_PP(Axis.TP, Axis.CP, Axis.DP, Axis.PP),
  /** {@code --use-tp-pp-dp-mapping}. */
  TP_CP_PP_DP(Axis.TP, Axis.CP, Axis.PP, Axis.DP);

  private final List<Axis> innermostFirst;

  RankOrder(Axis... axes) {
    innermostFirst = List.of(axes);
  }

  List<Axis> innermostFirst() {
    return innermostFirst;
  }
}
