package io.tanuki4j.parallel;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * The place of each rank along the axes. The order of ranks is Megatron-LM's, so that users'
 * placements mean the same here. By default {@code rank = tp + TP·(cp + CP·(dp + DP·pp))}.
 */
public final class RankGrid {
  private final ParallelDims dims;
  private final RankOrder order;

  public RankGrid(ParallelDims dims) {
    this(dims, RankOrder.TP_CP_DP_PP);
  }

  public RankGrid(ParallelDims dims, RankOrder order) {
    this.dims = dims;
    this.order = order;
  }

  public ParallelDims dims() {
    return dims;
  }

  public int worldSize() {
    return dims.worldSize();
  }

  /**
   * Returns the rank's place along an axis.
   *
   * @throws IllegalArgumentException if there is no such rank
   */
  public int coordinate(int globalRank, Axis axis) {
    requireRank(globalRank);
    return globalRank / stride(axis) % dims.degree(axis);
  }

  /** Returns the number of ranks from one place along an axis to the next. */
  private int stride(Axis axis) {
    int stride = 1;
    for (Axis inner : order.innermostFirst()) {
      if (inner == axis) {
        break;
      }
      stride *= dims.degree(inner);
    }
    return stride;
  }

  /** Returns the sizes of the axes by name, the innermost one first. */
  public Map<String, Integer> sizes() {
    Map<String, Integer> sizes = new LinkedHashMap<>();
    for (Axis axis : order.innermostFirst()) {
      sizes.put(axis.name().toLowerCase(Locale.ROOT), dims.degree(axis));
    }
    return Collections.unmodifiableMap(sizes);
  }

  /** Returns all groups along these axes; every rank is in one of them. */
  public List<List<Integer>> groups(Set<Axis> axes) {
    Map<Integer, List<Integer>> byFirst = new LinkedHashMap<>();
    for (int rank = 0; rank < worldSize(); rank++) {
      int first = rank;
      for (Axis axis : axes) {
        first -= coordinate(rank, axis) * stride(axis);
      }
      byFirst.computeIfAbsent(first, key -> new ArrayList<>()).add(rank);
    }
    return List.copyOf(byFirst.values());
  }

  /**
   * Returns the first and the last stage of each pipeline, which share tied embeddings; each stage
   * in between forms its own group.
   */
  public List<List<Integer>> embeddingGroups() {
    List<List<Integer>> groups = new ArrayList<>();
    for (List<Integer> pipeline : groups(EnumSet.of(Axis.PP))) {
      int last = pipeline.size() - 1;
      groups.add(last == 0 ? pipeline : List.of(pipeline.get(0), pipeline.get(last)));
      IntStream.range(1, last).forEach(stage -> groups.add(List.of(pipeline.get(stage))));
    }
    return List.copyOf(groups);
  }

  public boolean isFirstStage(int globalRank) {
    return coordinate(globalRank, Axis.PP) == 0;
  }

  public boolean isLastStage(int globalRank) {
    return coordinate(globalRank, Axis.PP) == dims.pp() - 1;
  }

  private void requireRank(int globalRank) {
    if (globalRank < 0 || globalRank >= worldSize()) {
      throw new IllegalArgumentException(
          "rank %d (expected: 0 to %d)".formatted(globalRank, worldSize() - 1));
    }
  }
}
