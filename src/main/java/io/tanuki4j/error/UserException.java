package io.tanuki4j.error;

import org.jspecify.annotations.Nullable;

/**
 * A failure that the user can remedy: a wrong flag, a damaged file, a full disk, a missing rank.
 *
 * <p>The message is printed as it stands, so it is one sentence that says what, the value, what was
 * expected, and what to do. Broken invariants of this program are {@link IllegalStateException}s or
 * {@link IllegalArgumentException}s, and are reported as faults of the program.
 */
public class UserException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public UserException(String message) {
    super(message);
  }

  public UserException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
