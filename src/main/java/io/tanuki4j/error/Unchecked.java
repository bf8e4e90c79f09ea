package io.tanuki4j.error;

import java.io.IOException;
import java.io.UncheckedIOException;
import org.jspecify.annotations.Nullable;

/** Carries a failure of one thread to another. */
public final class Unchecked {
  private Unchecked() {}

  /**
   * Returns an unchecked failure unchanged; otherwise wraps it in an unchecked one.
   *
   * @param what failed, for faults of the program
   * @throws Error if it is one
   */
  public static RuntimeException of(String what, @Nullable Throwable failure) {
    if (failure instanceof Error error) {
      throw error;
    }
    if (failure instanceof RuntimeException unchecked) {
      return unchecked;
    }
    return failure instanceof IOException io
        ? new UncheckedIOException(io)
        : new IllegalStateException("%s: %s".formatted(what, failure), failure);
  }
}
