package io.tanuki4j.parallel;

/**
 * How the work is shared among the ranks.
 *
 * @param order which ranks are neighbours
 * @param contextCommunication how ranks that share a sequence exchange keys and values
 */
public record ParallelConfig(
    Layout layout,
    RankOrder order,
    ContextCommunication contextCommunication,
    DataParallelConfig dataParallel) {
  public ParallelDims dims() {
    return layout.dims();
  }

  public RankGrid grid() {
    return new RankGrid(layout.dims(), order);
  }
}
