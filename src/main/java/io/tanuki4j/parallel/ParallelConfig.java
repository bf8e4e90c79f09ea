package io.tanuki4j.parallel;

/**
 * How the work is shared among the ranks.
 *
 * @param order which ranks are neighbours
 * @param zeroBubble {@code --pipeline-schedule zero-bubble}: gradients of weights fill the time in
 *     which stages would wait
 * @param communication how layers exchange what they need
 */
public record ParallelConfig(
    Layout layout,
    RankOrder order,
    boolean zeroBubble,
    LayerCommunication communication,
    DataParallelConfig dataParallel) {
  public ParallelDims dims() {
    return layout.dims();
  }

  public RankGrid grid() {
    return new RankGrid(layout.dims(), order);
  }

  /** Returns the same with {@code --use-distributed-optimizer}. */
  public ParallelConfig withDistributedOptimizer() {
    return new ParallelConfig(
        layout, order, zeroBubble, communication, dataParallel.withDistributedOptimizer());
  }
}
