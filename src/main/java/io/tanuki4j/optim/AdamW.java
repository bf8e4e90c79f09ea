package io.tanuki4j.optim;

import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.kernel.OptimizerKernels.AdamWStep;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * AdamW (Loshchilov and Hutter, 2019) over the flat buffers of a rank's parameters: the decayed
 * range and the range without decay, each in one kernel. Its moments, and its main weights if the
 * model computes in another type, have the layout of the parameters' buffers.
 *
 * <p>A gradient that is not finite changes nothing; the update is counted all the same, because the
 * host does not know.
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
  private final Tensor master;
  private final Tensor firstMoment;
  private final Tensor secondMoment;
  private final List<Range> ranges;
  private long numUpdates;

  /**
   * Takes memory for the state from the scope. The moments start at zero, and so do the gradients,
   * of which the norm takes the gaps between parameters, too.
   *
   * @param types of the state; a master of the parameters' own type is the parameters themselves
   */
  public AdamW(
      OptimizerConfig config,
      StateTypes types,
      ParameterBuffers parameters,
      Kernels kernels,
      MemoryScope scope) {
    this.config = config;
    this.parameters = parameters;
    this.kernels = kernels;
    this.clipper = new GradientClipper(kernels, scope, config.clipGrad());
    Tensor values = parameters.values();
    this.master =
        types.master() == values.dtype() ? values : scope.allocate(values.shape(), types.master());
    this.firstMoment = scope.allocate(values.shape(), types.firstMoment());
    this.secondMoment = scope.allocate(values.shape(), types.secondMoment());
    this.ranges = ranges();
    kernels.fill(parameters.grads(), 0);
    kernels.fill(firstMoment, 0);
    kernels.fill(secondMoment, 0);
    resetMaster();
  }

  /** Takes the main weights from the model's: after they were initialised, or loaded alone. */
  public void resetMaster() {
    if (hasMaster()) {
      kernels.copy(master, parameters.values());
    }
  }

  /**
   * Clips the gradients by their global norm and updates the weights.
   *
   * @param norm {@code [1]}, F64, gets the norm before clipping
   */
  public void step(double learningRate, double weightDecay, Tensor norm) {
    numUpdates++;
    Tensor factor = clipper.factor(norm, parameters.grads());
    for (Range range : ranges) {
      kernels.adamW(
          range.weight,
          range.master,
          range.firstMoment,
          range.secondMoment,
          range.grad,
          factor,
          numbers(learningRate, range.decayed ? weightDecay : 0));
    }
  }

  /** Whether gradients have a largest norm. */
  public boolean clips() {
    return config.clipGrad() > 0;
  }

  /** Whether the main weights are others than the model's ({@link #MASTER}). */
  public boolean hasMaster() {
    return master.dtype() != parameters.values().dtype();
  }

  /** Updates so far, for the bias corrections. */
  public long numUpdates() {
    return numUpdates;
  }

  /** Continues after so many updates, once the state was loaded. */
  public void resumeAfter(long updates) {
    numUpdates = updates;
  }

  /** The same walk for saving and loading: every tensor of the state, a parameter at a time. */
  public void visitState(StateVisitor visitor) {
    for (Parameter parameter : parameters.all()) {
      visitor.visit(FIRST_MOMENT, parameter, parameters.viewOf(parameter, firstMoment));
      visitor.visit(SECOND_MOMENT, parameter, parameters.viewOf(parameter, secondMoment));
      if (hasMaster()) {
        visitor.visit(MASTER, parameter, parameters.viewOf(parameter, master));
      }
    }
  }

  /** Sees the state of one parameter. */
  @FunctionalInterface
  public interface StateVisitor {
    /**
     * @param kind {@link #FIRST_MOMENT}, {@link #SECOND_MOMENT} or {@link #MASTER}
     * @param state of the parameter's shape
     */
    void visit(String kind, Parameter parameter, Tensor state);
  }

  private AdamWStep numbers(double learningRate, double weightDecay) {
    return new AdamWStep(
        learningRate, config.beta1(), config.beta2(), config.epsilon(), weightDecay, numUpdates);
  }

  private List<Range> ranges() {
    long decayed = parameters.decayedElements();
    long all = parameters.values().numElements();
    List<Range> made = new ArrayList<>();
    if (decayed > 0) {
      made.add(range(0, decayed, true));
    }
    if (decayed < all) {
      made.add(range(decayed, all, false));
    }
    return List.copyOf(made);
  }

  private Range range(long from, long to, boolean decayed) {
    Tensor weight = parameters.values().rows(from, to);
    return new Range(
        weight,
        hasMaster() ? master.rows(from, to) : weight,
        firstMoment.rows(from, to),
        secondMoment.rows(from, to),
        parameters.grads().rows(from, to),
        decayed);
  }

  private record Range(
      Tensor weight,
      Tensor master,
      Tensor firstMoment,
      Tensor secondMoment,
      Tensor grad,
      boolean decayed) {}
}
