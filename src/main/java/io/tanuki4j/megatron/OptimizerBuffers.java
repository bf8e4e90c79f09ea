package io.tanuki4j.megatron;

import io.tanuki4j.error.UserException;
import io.tanuki4j.megatron.RankParameters.Parameter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Finds parameters in the flat buffers of Megatron's distributed optimizer. A buffer has the
 * parameters of one chunk of layers and one type, from the last to the first, in buckets. Each
 * begins at a multiple of 64 elements of its bucket; before Megatron Core 0.8, where the one before
 * ends.
 */
final class OptimizerBuffers {
  /** The optimizer's names of what its buffers hold. */
  static final List<String> STATES = List.of("param", "exp_avg", "exp_avg_sq");

  private static final long[] ALIGNMENTS = {64, 1};

  private final String source;
  private final Map<String, Map<String, List<Matrix>>> states = new LinkedHashMap<>();

  OptimizerBuffers(String source) {
    this.source = source;
  }

  /** Returns by kind and Megatron's name the parts of the tensor parallel ranks. */
  Map<String, Map<String, List<Matrix>>> states() {
    return states;
  }

  /** Returns the kind of state under the optimizer's own name for it. */
  static String kind(String state) {
    return state.equals("param") ? TorchOptimizer.MASTER : state;
  }

  /**
   * When Megatron closes a bucket.
   *
   * @param limit elements after which one is closed; 0 for none
   * @param alone a parameter that has a bucket of its own; empty for none
   */
  record BucketRule(long limit, String alone) {
    /** Returns the sizes of the buckets of some parameters, in elements. */
    private List<Long> sizes(List<Parameter> parameters, long alignment) {
      List<Long> sizes = new ArrayList<>();
      long position = 0;
      for (int i = parameters.size() - 1; i >= 0; i--) {
        Parameter parameter = parameters.get(i);
        boolean closes = parameter.name().equals(alone);
        long start = roundedUp(position, alignment);
        if (closes && position > 0) {
          sizes.add(start);
          start = 0;
        }
        position = start + parameter.numElements();
        if (closes || (limit > 0 && position >= limit)) {
          sizes.add(position);
          position = 0;
        }
      }
      if (position > 0) {
        sizes.add(position);
      }
      return sizes;
    }
  }

  /** Where a parameter begins, in elements of its bucket. */
  private record Place(Parameter parameter, int bucket, long offset) {}

  /**
   * Adds parameters from a buffer of which each bucket is stored.
   *
   * @param parameters in the order of the modules
   * @param buckets for each state, in their order
   */
  void add(List<Parameter> parameters, Map<String, List<Matrix>> buckets) {
    for (long alignment : ALIGNMENTS) {
      List<Place> places = places(parameters, sizes(buckets), alignment);
      if (places != null) {
        buckets.forEach((state, parts) -> places.forEach(place -> put(state, place, parts)));
        return;
      }
    }
    throw unfit(parameters, sizes(buckets));
  }

  /**
   * Adds parameters from a buffer whose buckets are stored as one tensor, without the padding that
   * follows each.
   *
   * @param whole for each state
   */
  void addJoined(List<Parameter> parameters, Map<String, Matrix> whole, BucketRule rule) {
    long stored = whole.values().iterator().next().rows();
    for (long alignment : ALIGNMENTS) {
      List<Long> sizes = rule.sizes(parameters, alignment);
      if (sizes.stream().mapToLong(Long::longValue).sum() == stored) {
        Map<String, List<Matrix>> buckets = new LinkedHashMap<>();
        whole.forEach((state, tensor) -> buckets.put(state, cut(tensor, sizes)));
        add(parameters, buckets);
        return;
      }
    }
    throw unfit(parameters, List.of(stored));
  }

  private static List<Matrix> cut(Matrix tensor, List<Long> sizes) {
    List<Matrix> parts = new ArrayList<>();
    long begin = 0;
    for (long size : sizes) {
      parts.add(tensor.rows(begin, begin + size));
      begin += size;
    }
    return parts;
  }

  private List<Long> sizes(Map<String, List<Matrix>> buckets) {
    List<Long> sizes = List.of();
    for (List<Matrix> parts : buckets.values()) {
      List<Long> these = parts.stream().map(Matrix::rows).toList();
      if (!sizes.isEmpty() && !these.equals(sizes)) {
        throw new UserException(
            "%s: the states of its optimizer are in buckets of %s and %s elements, so it is damaged. Copy it again, or add --no-load-optim."
                .formatted(source, sizes, these));
      }
      sizes = these;
    }
    return sizes;
  }

  /** Returns where the parameters are; null if they do not fill the buckets. */
  private static @Nullable List<Place> places(
      List<Parameter> parameters, List<Long> sizes, long alignment) {
    List<Place> places = new ArrayList<>();
    int bucket = 0;
    long position = 0;
    for (int i = parameters.size() - 1; i >= 0; i--) {
      long count = parameters.get(i).numElements();
      long start = roundedUp(position, alignment);
      if (bucket < sizes.size() && start + count > sizes.get(bucket)) {
        if (sizes.get(bucket) != position && sizes.get(bucket) != start) {
          return null;
        }
        bucket++;
        start = 0;
      }
      places.add(new Place(parameters.get(i), bucket, start));
      position = start + count;
    }
    boolean filled = bucket == sizes.size() - 1 && sizes.get(bucket) == position;
    return filled ? places : null;
  }

  private static long roundedUp(long position, long alignment) {
    return (position + alignment - 1) / alignment * alignment;
  }

  private void put(String state, Place place, List<Matrix> buckets) {
    Parameter parameter = place.parameter();
    states
        .computeIfAbsent(kind(state), unused -> new LinkedHashMap<>())
        .computeIfAbsent(parameter.name(), unused -> new ArrayList<>())
        .add(
            new Reshaped(
                buckets.get(place.bucket()),
                place.offset(),
                parameter.rows(),
                parameter.columns()));
  }

  private UserException unfit(List<Parameter> parameters, List<Long> sizes) {
    return new UserException(
        "%s: its optimizer state has buckets of %s elements, which are not those of its %d parameters (of %d elements) in Megatron's order. Load it in Megatron-LM and save it with --ckpt-format torch_dist --dist-ckpt-optim-fully-reshardable, or add --no-load-optim to take the weights only."
            .formatted(
                source,
                sizes,
                parameters.size(),
                parameters.stream().mapToLong(Parameter::numElements).sum()));
  }
}
