package io.tanuki4j.nn;

import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * All parameters of a rank in one flat buffer of values and one of gradients. Decayed parameters
 * come first, then the others, each group in the order of the specs. So an optimizer, a norm or a
 * reduction walks two ranges, or a few {@link Bucket buckets}, instead of hundreds of tensors. A
 * parameter starts at a multiple of {@value #ALIGNMENT} elements; the gaps are zero and stay zero.
 */
public final class ParameterBuffers {
  /** In elements; Megatron's distributed optimizer aligns parameters in the same way. */
  public static final int ALIGNMENT = 64;

  private final Map<String, ParameterSlice> placed;
  private final List<Bucket> buckets;
  private final Tensor values;
  private final Tensor grads;

  private ParameterBuffers(
      Map<String, ParameterSlice> placed, List<Bucket> buckets, Tensor values, Tensor grads) {
    this.placed = placed;
    this.buckets = List.copyOf(buckets);
    this.values = values;
    this.grads = grads;
  }

  /** Allocates for a rank without others to exchange buckets with. */
  public static ParameterBuffers allocate(
      List<ParameterSpec> specs, MemoryScope scope, DType valueType, DType gradType) {
    return allocate(specs, BucketLayout.WHOLE, scope, valueType, gradType);
  }

  /**
   * Takes memory for values and gradients from the scope; the contents are undefined until {@link
   * Initializer} or a checkpoint fills them.
   */
  public static ParameterBuffers allocate(
      List<ParameterSpec> specs,
      BucketLayout plan,
      MemoryScope scope,
      DType valueType,
      DType gradType) {
    List<List<ParameterSpec>> cut = plan.cut(specs);
    long end = cut.stream().mapToLong(bucket -> plan.padded(bucket, size(bucket))).sum();
    Tensor values = scope.allocate(Shape.of(end), valueType);
    Tensor grads = scope.allocate(Shape.of(end), gradType);
    Map<String, ParameterSlice> placed = new LinkedHashMap<>();
    List<Bucket> buckets = new ArrayList<>();
    long start = 0;
    Map<Boolean, Long> indices = new HashMap<>();
    for (List<ParameterSpec> bucket : cut) {
      List<Parameter> parameters = place(bucket, start, values, grads, placed);
      boolean decayed = bucket.get(0).weightDecay();
      FlatRange range = new FlatRange(start, start + plan.padded(bucket, size(bucket)));
      buckets.add(new Bucket(range, decayed, indices.getOrDefault(decayed, 0L), parameters));
      indices.merge(decayed, size(bucket), Long::sum);
      start = range.to();
    }
    return new ParameterBuffers(placed, buckets, values, grads);
  }

  private static List<Parameter> place(
      List<ParameterSpec> specs,
      long from,
      Tensor values,
      Tensor grads,
      Map<String, ParameterSlice> placed) {
    List<Parameter> parameters = new ArrayList<>();
    long start = from;
    for (ParameterSpec spec : specs) {
      FlatRange range = new FlatRange(start, start + spec.shape().numElements());
      Tensor value = range.of(values).reshape(spec.shape());
      Parameter parameter = new Parameter(spec, value, range.of(grads).reshape(spec.shape()));
      placed.put(spec.name(), new ParameterSlice(parameter, 0, range));
      parameters.add(parameter);
      start += roundUp(range.size(), ALIGNMENT);
    }
    return parameters;
  }

  /**
   * Returns the parameter of a name.
   *
   * @throws IllegalStateException if there is no parameter of this name
   */
  public Parameter get(String name) {
    ParameterSlice found = placed.get(name);
    if (found == null) {
      throw new IllegalStateException("no parameter " + name);
    }
    return found.parameter();
  }

  /** Returns the parameters in the order of their memory. */
  public List<Parameter> all() {
    return placed.values().stream().map(ParameterSlice::parameter).toList();
  }

  /** Returns every value, {@code [numElements]}. */
  public Tensor values() {
    return values;
  }

  /** Returns every gradient, {@code [numElements]}. */
  public Tensor grads() {
    return grads;
  }

  /** Returns the buckets in the order of their memory, without anything between them. */
  public List<Bucket> buckets() {
    return buckets;
  }

  /** Returns the slices of parameters that lie in a range, in the order of memory. */
  public List<ParameterSlice> partsIn(FlatRange range) {
    List<ParameterSlice> parts = new ArrayList<>();
    for (ParameterSlice whole : placed.values()) {
      long from = Math.max(range.from(), whole.range().from());
      long to = Math.min(range.to(), whole.range().to());
      if (from < to) {
        long first = from - whole.range().from();
        parts.add(new ParameterSlice(whole.parameter(), first, new FlatRange(from, to)));
      }
    }
    return parts;
  }

  /** Returns the elements of parameters one after another, each aligned. */
  private static long size(List<ParameterSpec> specs) {
    return specs.stream().mapToLong(spec -> roundUp(spec.shape().numElements(), ALIGNMENT)).sum();
  }

  /** Returns where the parameter after one of these elements begins. */
  public static long roundUp(long elements) {
    return roundUp(elements, ALIGNMENT);
  }

  static long roundUp(long elements, long unit) {
    return (elements + unit - 1) / unit * unit;
  }
}
