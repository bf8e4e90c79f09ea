package io.tanuki4j.nn;

import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * All parameters of a rank in one flat buffer of values and one of gradients. Decayed parameters
 * come first, then the others, each group in the order of the specs, so that an optimizer, a norm
 * or a reduction walks two ranges instead of hundreds of tensors. A parameter starts at a multiple
 * of {@value #ALIGNMENT} elements; the gaps are zero and stay zero.
 */
public final class ParameterBuffers {
  /** Elements; Megatron's distributed optimizer aligns parameters in the same way. */
  public static final int ALIGNMENT = 64;

  private final Map<String, Placed> placed;
  private final Tensor values;
  private final Tensor grads;
  private final long decayedElements;

  private ParameterBuffers(
      Map<String, Placed> placed, Tensor values, Tensor grads, long decayedElements) {
    this.placed = placed;
    this.values = values;
    this.grads = grads;
    this.decayedElements = decayedElements;
  }

  /**
   * Takes memory for values and gradients from the scope; the contents are undefined until {@link
   * Initializer} or a checkpoint fills them.
   */
  public static ParameterBuffers allocate(
      List<ParameterSpec> specs, MemoryScope scope, DType valueType, DType gradType) {
    List<ParameterSpec> ordered = new ArrayList<>();
    specs.stream().filter(ParameterSpec::weightDecay).forEach(ordered::add);
    specs.stream().filter(spec -> !spec.weightDecay()).forEach(ordered::add);

    long[] starts = new long[ordered.size()];
    long end = 0;
    long decayed = 0;
    for (int i = 0; i < starts.length; i++) {
      starts[i] = end;
      end += aligned(ordered.get(i).shape().numElements());
      decayed = ordered.get(i).weightDecay() ? end : decayed;
    }
    Tensor values = scope.allocate(Shape.of(end), valueType);
    Tensor grads = scope.allocate(Shape.of(end), gradType);

    Map<String, Placed> placed = new LinkedHashMap<>();
    for (int i = 0; i < starts.length; i++) {
      ParameterSpec spec = ordered.get(i);
      Tensor value = view(values, starts[i], spec.shape());
      Parameter parameter = new Parameter(spec, value, view(grads, starts[i], spec.shape()));
      placed.put(spec.name(), new Placed(parameter, starts[i]));
    }
    return new ParameterBuffers(placed, values, grads, decayed);
  }

  /**
   * @throws IllegalStateException if there is no parameter of this name
   */
  public Parameter get(String name) {
    return find(name).parameter();
  }

  /** In the order of their memory. */
  public List<Parameter> all() {
    return placed.values().stream().map(Placed::parameter).toList();
  }

  /** Every value, {@code [numElements]}. */
  public Tensor values() {
    return values;
  }

  /** Every gradient, {@code [numElements]}. */
  public Tensor grads() {
    return grads;
  }

  /** Elements from the start that the optimizer decays; the rest it doesn't. */
  public long decayedElements() {
    return decayedElements;
  }

  /** The part of another flat buffer of the same layout that belongs to a parameter. */
  public Tensor viewOf(Parameter parameter, Tensor flat) {
    return view(flat, find(parameter.name()).start(), parameter.spec().shape());
  }

  private Placed find(String name) {
    Placed found = placed.get(name);
    if (found == null) {
      throw new IllegalStateException("no parameter " + name);
    }
    return found;
  }

  private static Tensor view(Tensor flat, long offset, Shape shape) {
    return flat.rows(offset, offset + shape.numElements()).reshape(shape);
  }

  private static long aligned(long elements) {
    return (elements + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  private record Placed(Parameter parameter, long start) {}
}
