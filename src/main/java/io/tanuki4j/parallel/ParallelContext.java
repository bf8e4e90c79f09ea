package io.tanuki4j.parallel;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ProcessGroupFactory;
import io.tanuki4j.comm.SoloWorld;
import io.tanuki4j.kernel.Device;
import java.util.EnumSet;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The groups that one rank is in, passed to whatever communicates. An axis of degree 1 has a group
 * of one rank, so nothing asks for degrees before it calls.
 *
 * @param world all ranks: norms, and the decisions of all
 * @param tp tensor parallel: sums and gathers inside layers, the vocabulary-parallel loss
 * @param cp context parallel: keys and values of attention
 * @param dp ranks with other samples
 * @param dpCp data and context parallel: sums of gradients, shards of the optimizer's state
 * @param pp the stages of one pipeline, in their order
 * @param embedding first and last stage (others: alone): gradients of tied embeddings
 */
public record ParallelContext(
    RankGrid grid,
    int globalRank,
    ProcessGroup world,
    ProcessGroup tp,
    ProcessGroup cp,
    ProcessGroup dp,
    ProcessGroup dpCp,
    ProcessGroup pp,
    ProcessGroup embedding) {

  /** Creates the groups of a run of one rank. */
  public static ParallelContext single(Device device) {
    return create(new RankGrid(ParallelDims.SINGLE), new SoloWorld(device));
  }

  /**
   * Makes the groups; every rank calls it.
   *
   * @throws IllegalArgumentException if the factory has another number of ranks than the grid
   */
  public static ParallelContext create(RankGrid grid, ProcessGroupFactory factory) {
    if (factory.worldSize() != grid.worldSize()) {
      throw new IllegalArgumentException(
          "%d ranks (expected: %d, tp %d x cp %d x dp %d x pp %d)"
              .formatted(
                  factory.worldSize(),
                  grid.worldSize(),
                  grid.dims().tp(),
                  grid.dims().cp(),
                  grid.dims().dp(),
                  grid.dims().pp()));
    }
    List<Integer> all = IntStream.range(0, grid.worldSize()).boxed().toList();
    return new ParallelContext(
        grid,
        factory.globalRank(),
        factory.create("world", List.of(all)),
        factory.create("tp", grid.groups(EnumSet.of(Axis.TP))),
        factory.create("cp", grid.groups(EnumSet.of(Axis.CP))),
        factory.create("dp", grid.groups(EnumSet.of(Axis.DP))),
        factory.create("dp_cp", grid.groups(EnumSet.of(Axis.CP, Axis.DP))),
        factory.create("pp", grid.groups(EnumSet.of(Axis.PP))),
        factory.create("embedding", grid.embeddingGroups()));
  }

  public ParallelDims dims() {
    return grid.dims();
  }

  /** Returns this rank's place along an axis. */
  public int coordinate(Axis axis) {
    return grid.coordinate(globalRank, axis);
  }

  public boolean isFirstStage() {
    return grid.isFirstStage(globalRank);
  }

  public boolean isLastStage() {
    return grid.isLastStage(globalRank);
  }

  /** Returns every group, for counts and logs. */
  public List<ProcessGroup> groups() {
    return List.of(world, tp, cp, dp, dpCp, pp, embedding);
  }
}
