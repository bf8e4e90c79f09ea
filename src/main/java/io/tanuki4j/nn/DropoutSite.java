package io.tanuki4j.nn;

import io.tanuki4j.kernel.Dropout;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A place in the model where elements are dropped in training.
 *
 * @param rate share of the elements; 0 for a place that does nothing
 * @param key of the run's seed and of the place
 */
public record DropoutSite(double rate, long key) {
  /** Drops nothing. */
  public static final DropoutSite NONE = new DropoutSite(0, 0);

  /**
   * Returns a place by its name.
   *
   * @param seed of the run
   */
  public static DropoutSite of(double rate, long seed, String name) {
    return new DropoutSite(rate, Initializer.key(seed, name));
  }

  /** Returns the dropout of a micro-batch; null if nothing is dropped. */
  public @Nullable Dropout in(Microbatch microbatch) {
    return rate == 0 || !microbatch.training()
        ? null
        : new Dropout(rate, key, Objects.requireNonNull(microbatch.samples().numbers()));
  }
}
