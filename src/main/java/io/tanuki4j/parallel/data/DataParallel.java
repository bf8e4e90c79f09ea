package io.tanuki4j.parallel.data;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ProcessGroup.ReduceOp;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.nn.ParameterListener;
import io.tanuki4j.nn.fp8.FlatWeights;
import io.tanuki4j.parallel.DataParallelConfig;
import io.tanuki4j.parallel.ParallelContext;
import io.tanuki4j.parallel.pipeline.TiedParameters;
import io.tanuki4j.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One rank's side of what the replicas of a model exchange in an iteration. The replicas are the
 * ranks with other samples, or with other parts of the same sequences: the group {@code dp_cp}.
 *
 * <p>Two exchanges overlap computation. In the last micro-batch, reducing a bucket's gradients
 * overlaps the backward of the layers before it. Gathering a bucket's weights overlaps the end of
 * the iteration and, in the first micro-batch, the forward of the layers before it. The bucket that
 * is finished last, and the norms of all layers, overlap nothing.
 */
public final class DataParallel {
  private final DataParallelConfig config;
  private final ParallelContext context;
  private final GradientSync gradients;
  private final WeightGather weights;
  private final OptimizerShard shard;
  private final ParameterListener first = new Listener(true, false);
  private final ParameterListener last = new Listener(false, true);
  private final ParameterListener only = new Listener(true, true);

  /**
   * @param parameters cut into buckets by the config's plan
   * @param tied those that other stages have too
   */
  public DataParallel(
      DataParallelConfig config,
      ParameterBuffers parameters,
      ParallelContext context,
      TiedParameters tied) {
    this(config, parameters, context, tied, null);
  }

  /**
   * @param parameters cut into buckets by the config's plan
   * @param tied those that other stages have too
   * @param narrow weights that are gathered in FP8; null if none are
   */
  public DataParallel(
      DataParallelConfig config,
      ParameterBuffers parameters,
      ParallelContext context,
      TiedParameters tied,
      @Nullable FlatWeights narrow) {
    this.config = config;
    this.context = context;
    boolean sharded = config.distributedOptimizer();
    this.gradients = new GradientSync(sharded, parameters, context, tied);
    this.weights = new WeightGather(sharded, parameters, context.dpCp(), narrow);
    this.shard = OptimizerShard.of(sharded, parameters, context, tied);
  }

  /** Creates the side of a run of one rank. */
  public static DataParallel alone(ParameterBuffers parameters, Device device) {
    ParallelContext context = ParallelContext.single(device);
    TiedParameters none = new TiedParameters(List.of(), context.embedding());
    return new DataParallel(DataParallelConfig.PLAIN, parameters, context, none);
  }

  /** Returns the part of the parameters that this rank's optimizer updates. */
  public OptimizerShard shard() {
    return shard;
  }

  /** Returns the group of ranks with other samples. */
  public ProcessGroup samples() {
    return context.dp();
  }

  /**
   * Returns the listener that is told which parameters a micro-batch uses; always the same object
   * for the same place.
   */
  public ParameterListener listener(int microbatch, int numMicrobatches) {
    boolean several = context.dpCp().size() > 1;
    boolean gathers = several && config.overlapParamGather() && microbatch == 0;
    boolean reduces = several && config.overlapGradReduce() && microbatch == numMicrobatches - 1;
    if (gathers) {
      return reduces ? only : first;
    }
    return reduces ? last : ParameterListener.NONE;
  }

  /** Sums the losses over the stages and replicas. */
  public void sumLosses(Tensor sums) {
    context.pp().allReduce(sums, ReduceOp.SUM).await();
    context.dpCp().allReduce(sums, ReduceOp.SUM).await();
  }

  /** Turns this rank's gradients into those of the global batch; called after the last backward. */
  public void finishGradients() {
    weights.await();
    gradients.finish();
  }

  /** Sends the updated weights to the replicas, at once or while the next batch begins. */
  public void shareWeights() {
    weights.start();
    if (!config.overlapParamGather()) {
      weights.await();
    }
  }

  /**
   * Waits for the weights, before anything computes with them except a forward that names its
   * parameters.
   */
  public void awaitWeights() {
    weights.await();
  }

  /** Makes all weights whole on this rank in the model's type, as a checkpoint keeps them. */
  public void completeWeights() {
    weights.complete();
  }

  private final class Listener implements ParameterListener {
    private final boolean gathers;
    private final boolean reduces;

    Listener(boolean gathers, boolean reduces) {
      this.gathers = gathers;
      this.reduces = reduces;
    }

    @Override
    public void valuesNeeded(List<Parameter> parameters) {
      if (gathers) {
        weights.await(parameters);
      }
    }

    @Override
    public void gradientsDone(List<Parameter> parameters) {
      if (reduces) {
        gradients.ready(parameters);
      }
    }
  }
}
