package io.tanuki4j.error;

import org.jspecify.annotations.Nullable;

/**
 * A checkpoint differs from what was saved. The message names other iterations, from which the user
 * or the program may choose.
 */
public final class DamagedException extends UserException {
  private static final long serialVersionUID = 1;

  public DamagedException(String message) {
    super(message);
  }

  public DamagedException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
