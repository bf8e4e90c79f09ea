package io.tanuki4j.nn;

import io.tanuki4j.kernel.Accumulate;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * How a micro-batch adds to the gradients of weights: with the gradients of inputs, or in a second
 * half of the backward, for which the work is collected (Qi et al., 2023).
 */
public final class WeightGradients {
  private final Accumulate accumulate;
  private final @Nullable List<Consumer<Microbatch>> later;

  private WeightGradients(Accumulate accumulate, @Nullable List<Consumer<Microbatch>> later) {
    this.accumulate = accumulate;
    this.later = later;
  }

  /**
   * Returns the way of a whole backward.
   *
   * @param accumulate whether gradients are added to what is there, or begin here
   */
  public static WeightGradients atOnce(Accumulate accumulate) {
    return new WeightGradients(accumulate, null);
  }

  /** Returns the way of a backward in two halves. */
  WeightGradients split() {
    return new WeightGradients(accumulate, new ArrayList<>());
  }

  Accumulate accumulate() {
    return accumulate;
  }

  boolean isSplit() {
    return later != null;
  }

  void add(Consumer<Microbatch> work, Microbatch microbatch) {
    if (later == null) {
      work.accept(microbatch);
    } else {
      later.add(work);
    }
  }

  /** Does what was collected, in its order. */
  void finish(Microbatch microbatch) {
    if (later == null) {
      throw new IllegalStateException("the second half of a backward that is whole");
    }
    later.forEach(work -> work.accept(microbatch));
    later.clear();
  }
}
