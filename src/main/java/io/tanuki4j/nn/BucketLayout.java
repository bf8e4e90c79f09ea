package io.tanuki4j.nn;

import io.tanuki4j.kernel.Fp8Kernels;
import io.tanuki4j.nn.ParameterSpec.Sharing;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Set;

/**
 * How the parameters of a rank are cut into {@link Bucket buckets}: from the last to the first, as
 * a backward finishes them. A bucket has only decayed parameters or none, all shared alike, and
 * only narrow ones or none.
 *
 * @param bucketElements a bucket is closed when it has at least this many elements
 * @param numShards each bucket is padded so that it can be cut into this many equal, aligned parts
 * @param alone names of parameters that get buckets of their own
 * @param narrow names of parameters that are exchanged as FP8; the parts of their buckets are
 *     multiples of {@value #NARROW_ALIGNMENT}
 */
public record BucketLayout(
    long bucketElements, int numShards, Set<String> alone, Set<String> narrow) {
  /** Elements of the smallest matrix that can be cast. */
  public static final int NARROW_ALIGNMENT = Fp8Kernels.MULTIPLE * Fp8Kernels.MULTIPLE;

  /** As few buckets as possible, never to be cut. */
  public static final BucketLayout WHOLE = new BucketLayout(Long.MAX_VALUE, 1, Set.of(), Set.of());

  /**
   * @throws IllegalArgumentException if a number is below 1
   */
  public BucketLayout {
    alone = Set.copyOf(alone);
    narrow = Set.copyOf(narrow);
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

  /** Returns whether a bucket's parameters are exchanged as FP8: all of them or none. */
  public boolean isNarrow(String parameter) {
    return narrow.contains(parameter);
  }

  /**
   * Returns the padded size of a bucket.
   *
   * @param elements of its parameters
   */
  long padded(List<ParameterSpec> bucket, long elements) {
    int alignment = isNarrow(bucket.get(0).name()) ? NARROW_ALIGNMENT : ParameterBuffers.ALIGNMENT;
    return ParameterBuffers.roundUp(elements, (long) alignment * numShards);
  }

  private List<List<ParameterSpec>> cutAlike(List<ParameterSpec> specs) {
    Deque<Deque<ParameterSpec>> buckets = new ArrayDeque<>();
    long elements = bucketElements;
    boolean wasNarrow = false;
    for (int i = specs.size() - 1; i >= 0; i--) {
      ParameterSpec spec = specs.get(i);
      boolean single = alone.contains(spec.name());
      boolean isNarrow = isNarrow(spec.name());
      if (elements >= bucketElements || single || isNarrow != wasNarrow) {
        buckets.addFirst(new ArrayDeque<>());
        elements = 0;
      }
      buckets.element().addFirst(spec);
      wasNarrow = isNarrow;
      elements = single ? bucketElements : elements + spec.shape().numElements();
    }
    return buckets.stream().map(List::copyOf).toList();
  }
}
