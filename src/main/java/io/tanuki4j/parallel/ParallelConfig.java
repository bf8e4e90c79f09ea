package io.tanuki4j.parallel;

/**
 * How the work is shared among the ranks.
 *
 * @param order which ranks are neighbours
 */
public record ParallelConfig(Layout layout, RankOrder order, DataParallelConfig dataParallel) {
  public ParallelDims dims() {
    return layout.dims();
  }

  public RankGrid grid() {
    return new RankGrid(layout.dims(), order);
  }
}
