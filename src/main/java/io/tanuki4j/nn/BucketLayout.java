package io.tanuki4j.nn;

import io.tanuki4j.nn.ParameterSpec.Sharing;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Set;

/**
 * How the parameters of a rank are cut into {@link Bucket buckets}: from the last to the first, as
 * a backward finishes them. A bucket has only decayed parameters or none, all shared alike.
 *
 * @param bucketElements a bucket is closed when it has at least this many elements
 * @param numShards each bucket is padded so that it can be cut into this many equal, aligned parts
 * @param alone names of parameters that get buckets of their own
 */
public record BucketLayout(long bucketElements, int numShards, Set<String> alone) {
  /** As few buckets as possible, never to be cut. */
  public static final BucketLayout WHOLE = new BucketLayout(Long.MAX_VALUE, 1, Set.of());

  /**
   * @throws IllegalArgumentException if a number is below 1
   */
  public BucketLayout {
    alone = Set.copyOf(alone);
    if (bucketElements < 1 || numShards < 1) {
      throw new IllegalArgumentException(
          "buckets of %d elements for %d shards (expected: 1 or more)"
              .formatted(bucketElements, numShards));
    }
  }

  /** Returns the buckets' parameters in the order of their memory: decayed ones first. */
  List<List<ParameterSpec>> cut(List<ParameterSpec> specs) {
    List<List<ParameterSpec>> buckets = new ArrayList<>();
    for (boolean decayed : new boolean[] {true, false}) {
      for (Sharing sharing : Sharing.values()) {
        buckets.addAll(
            cutAlike(
                specs.stream()
                    .filter(spec -> spec.weightDecay() == decayed && spec.sharing() == sharing)
                    .toList()));
      }
    }
    return buckets;
  }

  /** Returns the padded size of a bucket of this many elements. */
  long padded(long elements) {
    return ParameterBuffers.roundUp(elements, (long) ParameterBuffers.ALIGNMENT * numShards);
  }

  private List<List<ParameterSpec>> cutAlike(List<ParameterSpec> specs) {
    Deque<Deque<ParameterSpec>> buckets = new ArrayDeque<>();
    long elements = bucketElements;
    for (int i = specs.size() - 1; i >= 0; i--) {
      ParameterSpec spec = specs.get(i);
      boolean single = alone.contains(spec.name());
      if (elements >= bucketElements || single) {
        buckets.addFirst(new ArrayDeque<>());
        elements = 0;
      }
      buckets.element().addFirst(spec);
      elements = single ? bucketElements : elements + spec.shape().numElements();
    }
    return buckets.stream().map(List::copyOf).toList();
  }
}
