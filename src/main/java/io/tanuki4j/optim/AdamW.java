package io.tanuki4j.optim;

import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.kernel.OptimizerKernels.AdamWStep;
import io.tanuki4j.nn.FlatRange;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.nn.ParameterSlice;
import io.tanuki4j.parallel.data.OptimizerShard;
import io.tanuki4j.parallel.data.OptimizerShard.Owned;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * AdamW (Loshchilov and Hutter, 2019) over this rank's share of its flat parameter buffers. One
 * kernel updates each range of decayed or other elements. The moments, and the main weights if the
 * model computes in another type, are these ranges one after another. A rank on its own has two
 * ranges, which cover everything.
 *
 * <p>A gradient that is not finite changes nothing on any rank. The update still counts, because
 * the host does not know; with a scaled loss it looks ({@link #finish}), and then it does not
 * count.
 */
public final class AdamW {
  /** Names of the state, as PyTorch and Megatron spell them in checkpoints. */
  public static final String FIRST_MOMENT = "exp_avg";

  public static final String SECOND_MOMENT = "exp_avg_sq";
  public static final String MASTER = "fp32_param";

  private final OptimizerConfig config;
  private final ParameterBuffers parameters;
  private final Kernels kernels;
  private final GradientClipper clipper;
  private final @Nullable LossScaler lossScaler;
  private final boolean hasMaster;
  private final List<Range> ranges;
  private long numUpdates;

  /**
   * Takes memory for the state from the scope. The moments start at zero. So do the gradients,
   * because the norm includes the gaps between parameters.
   *
   * @param types of the state; a master of the parameters' own type is the parameters themselves
   */
  public AdamW(
      OptimizerConfig config,
      StateTypes types,
      OptimizerShard shard,
      Kernels kernels,
      MemoryScope scope) {
    this.config = config;
    this.parameters = shard.parameters();
    this.kernels = kernels;
    this.clipper = new GradientClipper(kernels, shard, scope, config.clipGrad());
    this.lossScaler = config.lossScaling() == null ? null : new LossScaler(config.lossScaling());
    this.hasMaster = types.master() != parameters.values().dtype();
    Shape size = Shape.of(shard.size());
    Tensor master = hasMaster ? scope.allocate(size, types.master()) : parameters.values();
    Tensor firstMoment = scope.allocate(size, types.firstMoment());
    Tensor secondMoment = scope.allocate(size, types.secondMoment());
    this.ranges = ranges(shard, master, firstMoment, secondMoment);
    kernels.elementwise().fill(parameters.grads(), 0);
    kernels.elementwise().fill(firstMoment, 0);
    kernels.elementwise().fill(secondMoment, 0);
    resetMaster();
  }

  /** Copies the main weights from the model's, after those were initialised or loaded alone. */
  public void resetMaster() {
    if (hasMaster) {
      ranges.forEach(range -> kernels.elementwise().copy(range.master, range.weight));
    }
  }

  /**
   * Clips the gradients by the whole model's norm and updates the weights that this rank owns.
   *
   * @param norm {@code [1]}, F64, gets the norm before clipping
   */
  public void step(Rates rates, Tensor norm) {
    numUpdates++;
    Tensor factor = clipper.factor(norm, lossScale());
    for (Range range : ranges) {
      kernels
          .optimizer()
          .adamW(
              range.weight,
              range.master,
              range.firstMoment,
              range.secondMoment,
              range.grad,
              factor,
              numbers(range, rates));
    }
  }

  /** Returns what the loss is multiplied by before its backward; 1 unless it is scaled. */
  public double lossScale() {
    return lossScaler == null ? 1 : lossScaler.scale();
  }

  /** Returns whether the loss is scaled, so that each step must be followed by {@link #finish}. */
  public boolean scalesLoss() {
    return lossScaler != null;
  }

  /**
   * Adapts the scale of the loss, and forgets an update that was skipped.
   *
   * @param finite whether the norm that {@link #step} computed is finite
   */
  public void finish(boolean finite) {
    Objects.requireNonNull(lossScaler).update(finite);
    numUpdates -= finite ? 0 : 1;
  }

  /** Returns whether gradients have a largest norm. */
  public boolean clips() {
    return config.clipGrad() > 0;
  }

  /** Returns whether the main weights are separate from the model's ({@link #MASTER}). */
  public boolean hasMaster() {
    return hasMaster;
  }

  /** Returns the number of updates so far, for the bias corrections. */
  public long numUpdates() {
    return numUpdates;
  }

  /** Returns the state of the loss scale, for {@link #resumeAfter}; empty if it never changes. */
  public Map<String, Object> lossScaleState() {
    return lossScaler == null ? Map.of() : lossScaler.state();
  }

  /**
   * Continues after this many updates, once the tensors have been loaded.
   *
   * @param lossScale what {@link #lossScaleState} returned; a run without a scaled loss ignores it
   */
  public void resumeAfter(long updates, Map<?, ?> lossScale) {
    numUpdates = updates;
    if (lossScaler != null) {
      lossScaler.restore(lossScale);
    }
  }

  /**
   * Visits every tensor of this rank's state, for saving and for loading. Each call covers one
   * parameter, or the part of it that the rank owns.
   */
  public void visitState(StateVisitor visitor) {
    for (Range range : ranges) {
      for (ParameterSlice part : parameters.partsIn(range.owned.range())) {
        visitor.visit(FIRST_MOMENT, part, range.of(part, range.firstMoment));
        visitor.visit(SECOND_MOMENT, part, range.of(part, range.secondMoment));
        if (hasMaster) {
          visitor.visit(MASTER, part, range.of(part, range.master));
        }
      }
    }
  }

  /** Sees the state of one parameter. */
  @FunctionalInterface
  public interface StateVisitor {
    /**
     * Visits the state of one part.
     *
     * @param kind {@link #FIRST_MOMENT}, {@link #SECOND_MOMENT} or {@link #MASTER}
     * @param part whose state it is
     * @param state the part's elements, flat
     */
    void visit(String kind, ParameterSlice part, Tensor state);
  }

  private AdamWStep numbers(Range range, Rates rates) {
    return new AdamWStep(
        range.owned.apart() ? rates.ofEnds() : rates.learningRate(),
        config.beta1(),
        config.beta2(),
        config.epsilon(),
        range.owned.decayed() ? rates.weightDecay() : 0,
        numUpdates,
        range.owned.index());
  }

  private List<Range> ranges(
      OptimizerShard shard, Tensor master, Tensor firstMoment, Tensor secondMoment) {
    List<Range> made = new ArrayList<>();
    long start = 0;
    for (Owned owned : shard.owned()) {
      FlatRange inState = new FlatRange(start, start + owned.range().size());
      made.add(
          new Range(
              owned,
              owned.range().of(parameters.values()),
              hasMaster ? inState.of(master) : owned.range().of(master),
              inState.of(firstMoment),
              inState.of(secondMoment),
              owned.range().of(parameters.grads())));
      start = inState.to();
    }
    return List.copyOf(made);
  }

  private record Range(
      Owned owned,
      Tensor weight,
      Tensor master,
      Tensor firstMoment,
      Tensor secondMoment,
      Tensor grad) {

    /** Returns a part's elements in the state of this range. */
    Tensor of(ParameterSlice part, Tensor state) {
      long before = owned.range().from();
      return state.rows(part.range().from() - before, part.range().to() - before);
    }
  }
}
