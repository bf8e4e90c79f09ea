package io.tanuki4j.checkpoint;

import io.tanuki4j.error.UserException;
import org.jspecify.annotations.Nullable;

/**
 * A checkpoint that is not as it was saved. Its message names other iterations; whoever may choose
 * takes one of them.
 */
public final class DamagedException extends UserException {
  private static final long serialVersionUID = 1;

  DamagedException(String message) {
    super(message);
  }

  DamagedException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
