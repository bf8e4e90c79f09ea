package io.tanuki4j.nn.fp8;

import static io.tanuki4j.kernel.Fp8Kernels.INVERSE_SIZE;
import static io.tanuki4j.kernel.Fp8Kernels.TALLY_SIZE;

import io.tanuki4j.kernel.Fp8Kernels.Target;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.Factor;
import io.tanuki4j.nn.IterationState;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.nn.fp8.Fp8Config.Recipe;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The scales of a rank's FP8 tensors: the input, the weight and the output gradient of each linear
 * layer. With delayed scaling they follow, once an iteration, from the largest magnitudes of all
 * ranks that share the tensors. In the first iteration, and always with tensorwise scaling, each
 * tensor is scaled by its own magnitude. Evaluation does not change the state.
 */
public final class Fp8State implements IterationState {
  /** The FP8 tensors of a linear layer. */
  public enum Role {
    INPUT,
    WEIGHT,
    GRADIENT
  }

  private static final int ROLES = Role.values().length;

  private final Fp8Config config;
  private final Kernels kernels;
  private final Consumer<Tensor> largestOfRanks;
  private final List<Parameter> weights;
  private final Map<String, Integer> places = new HashMap<>();
  private final Tensor scale;
  private final Tensor inverse;
  private final Tensor amax;
  private final Tensor limit;
  private final Tensor history;
  private final Tensor ignored;
  private @Nullable FlatWeights flatWeights;
  private @Nullable Tensor tallies;
  private boolean hasHistory;
  private boolean weightsAreCast;

  /**
   * @param weights of the layers that multiply in FP8
   * @param largestOfRanks replaces each number by the largest among the ranks that share the
   *     tensors
   * @param scope memory for as long as the model is used
   */
  public Fp8State(
      Fp8Config config,
      List<Parameter> weights,
      Kernels kernels,
      Consumer<Tensor> largestOfRanks,
      MemoryScope scope) {
    this.config = config;
    this.kernels = kernels;
    this.largestOfRanks = largestOfRanks;
    this.weights = List.copyOf(weights);
    long count = (long) ROLES * weights.size();
    this.scale = scope.allocate(Shape.of(count), DType.F32);
    this.inverse = scope.allocate(Shape.of(count, INVERSE_SIZE), DType.F32);
    this.amax = scope.allocate(Shape.of(count), DType.F32);
    this.limit = scope.allocate(Shape.of(count), DType.F32);
    this.history = scope.allocate(Shape.of(count, config.historyLength()), DType.F32);
    this.ignored = scope.allocate(Shape.of(1), DType.F32);
    for (Parameter weight : weights) {
      places.put(weight.name(), ROLES * places.size());
    }
    reset();
  }

  private void reset() {
    kernels.elementwise().fill(scale, 1);
    kernels.elementwise().fill(inverse, 1);
    kernels.elementwise().fill(amax, 0);
    kernels.elementwise().fill(history, 0);
    kernels.elementwise().fill(ignored, 0);
    for (int i = 0; i < limit.dim(0); i++) {
      kernels
          .elementwise()
          .fill(limit.rows(i, i + 1), config.limit(type(Role.values()[i % ROLES])));
    }
  }

  public Fp8Config config() {
    return config;
  }

  private DType type(Role role) {
    return role == Role.GRADIENT ? config.gradientType() : DType.F8_E4M3;
  }

  /** Returns the bytes that the weights take in FP8, both as they are and transposed. */
  public long weightBytes() {
    long columns = weights.stream().mapToLong(weight -> weight.value().numElements()).sum();
    return columns + (flatWeights == null ? columns : flatWeights.numBytes());
  }

  /**
   * Keeps the weights in flat buffers from now on, so that shards of them can be cast and gathered;
   * to be called before layers ask for {@link #weightRows}.
   *
   * @param parameters whose buckets have no other parameters next to FP8 weights
   * @param largestOfShards replaces each number by the largest among the ranks that have parts of a
   *     weight
   */
  public FlatWeights flattenWeights(
      ParameterBuffers parameters, Consumer<Tensor> largestOfShards, MemoryScope scope) {
    flatWeights = new FlatWeights(this, parameters, kernels, largestOfShards, scope);
    return flatWeights;
  }

  /** Returns the memory of a weight in FP8, as it is: {@code [out, in]}. */
  public Tensor weightRows(Parameter weight, MemoryScope scope) {
    return flatWeights == null
        ? scope.allocate(weight.value().shape(), type(Role.WEIGHT))
        : flatWeights.rows(weight);
  }

  /** Returns whether {@link FlatWeights} has made the weights of this iteration. */
  public boolean weightsAreCast() {
    return weightsAreCast;
  }

  void castWeights() {
    weightsAreCast = true;
  }

  /** Returns whether a parameter is an FP8 weight. */
  boolean has(Parameter parameter) {
    return places.containsKey(parameter.name());
  }

  /** Returns whether each tensor is scaled by its own magnitude. */
  boolean isCurrent() {
    return !hasHistory;
  }

  @Override
  public int phase() {
    return (isCurrent() ? 0 : 1) + (weightsAreCast ? 2 : 0);
  }

  /** Computes the scales of the next iteration from the magnitudes of this one. */
  @Override
  public void endIteration() {
    if (remembers()) {
      largestOfRanks.accept(amax);
      kernels.fp8().delayedScales(scale, inverse, history, amax, limit, config.window());
      hasHistory = true;
    }
  }

  /**
   * Returns the scaling of a tensor. A weight's scaling holds until the weight is quantized again,
   * others as long as the micro-batch's memory.
   */
  public Scaling scaling(Parameter weight, Role role, Microbatch microbatch) {
    int place = Objects.requireNonNull(places.get(weight.name())) + role.ordinal();
    Tensor raised = microbatch.training() ? cell(amax, place) : ignored;
    boolean kept = role == Role.WEIGHT || !isCurrent();
    MemoryScope scope = microbatch.scope();
    return new Scaling(
        type(role),
        kept ? cell(scale, place) : newCell(scope),
        kept ? cell(inverse, place) : newInverse(scope),
        raised,
        cell(limit, place),
        isCurrent() ? newCell(scope) : null,
        microbatch.training() ? tally(place) : null);
  }

  /**
   * Returns the scaling of a weight that is cast before its iteration begins.
   *
   * @param own see {@link Scaling#own}
   */
  Scaling weightScaling(Parameter weight, @Nullable Tensor own) {
    int place = Objects.requireNonNull(places.get(weight.name())) + Role.WEIGHT.ordinal();
    return new Scaling(
        type(Role.WEIGHT),
        cell(scale, place),
        cell(inverse, place),
        cell(amax, place),
        cell(limit, place),
        own,
        tally(place));
  }

  private @Nullable Tensor tally(int place) {
    return tallies == null ? null : cell(tallies, place).reshape(Shape.of(TALLY_SIZE));
  }

  /** Returns 1 / the scale of an FP8 weight. */
  public Tensor weightInverse(Parameter weight) {
    int place = Objects.requireNonNull(places.get(weight.name()));
    return cell(inverse, place + Role.WEIGHT.ordinal());
  }

  static Tensor cell(Tensor all, int place) {
    return all.rows(place, place + 1);
  }

  private static Tensor newCell(MemoryScope scope) {
    return scope.allocate(Shape.of(1), DType.F32);
  }

  private static Tensor newInverse(MemoryScope scope) {
    return scope.allocate(Shape.of(1, INVERSE_SIZE), DType.F32);
  }

  /**
   * Writes a factor in FP8.
   *
   * @param rows as it is; null if not wanted
   * @param columns transposed; null if not wanted
   * @param scratch for the factor in the type it is computed in
   */
  public void quantize(
      Factor x,
      @Nullable Tensor rows,
      @Nullable Tensor columns,
      Scaling scaling,
      MemoryScope scratch) {
    Target target = new Target(rows, columns, scaling.scale(), scaling.amax());
    Tensor own = scaling.own();
    if (own == null) {
      x.quantize(target, scratch);
      tally(scaling, target);
      return;
    }
    Tensor values = x.write(scratch);
    kernels.elementwise().fill(own, 0);
    kernels.fp8().amax(own, values);
    largestOfRanks.accept(own);
    kernels.fp8().scales(scaling.scale(), scaling.inverse(), own, scaling.limit());
    kernels.fp8().quantize(target, values);
    tally(scaling, target);
  }

  void tally(Scaling scaling, Target written) {
    if (scaling.tally() != null) {
      Tensor values = Objects.requireNonNullElse(written.rows(), written.columns());
      kernels.fp8().tally(scaling.tally(), Objects.requireNonNull(values), scaling.scale());
    }
  }

  /**
   * Counts from now on what the scales of a training do to their tensors; to be called before the
   * first micro-batch.
   *
   * @return {@code [weights, roles, TALLY_SIZE]}, F64, in the order of {@link #weights}
   */
  public Tensor startTallies(MemoryScope scope) {
    Tensor started = scope.allocate(Shape.of(scale.dim(0), TALLY_SIZE), DType.F64);
    kernels.elementwise().fill(started, 0);
    tallies = started;
    return started;
  }

  /** Returns the FP8 weights. */
  public List<Parameter> weights() {
    return weights;
  }

  /** The state of a layer that a checkpoint keeps: one row for each {@link Role}. */
  public record Saved(String weight, Tensor scale, Tensor inverse, Tensor history) {}

  /**
   * Returns whether scales follow from earlier iterations, whose magnitudes a checkpoint then
   * keeps.
   */
  public boolean remembers() {
    return config.recipe() == Recipe.DELAYED;
  }

  /**
   * Returns the state that a checkpoint keeps; empty if no magnitudes are remembered, or none yet.
   */
  public List<Saved> saved() {
    return hasHistory ? places() : List.of();
  }

  /** Returns the tensors to load a checkpoint's state into; call {@link #restored} afterwards. */
  public List<Saved> places() {
    return weights.stream().map(this::place).toList();
  }

  private Saved place(Parameter weight) {
    int place = Objects.requireNonNull(places.get(weight.name()));
    return new Saved(
        weight.name(),
        scale.rows(place, place + ROLES),
        inverse.rows(place, place + ROLES),
        history.rows(place, place + ROLES));
  }

  /** Continues with the state that was written into {@link #places}. */
  public void restored() {
    hasHistory = remembers();
    weightsAreCast = false;
  }
}
