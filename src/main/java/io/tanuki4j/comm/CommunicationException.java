package io.tanuki4j.comm;

import io.tanuki4j.error.UserException;

/**
 * Ranks failed to communicate. The message names the group, the operation and the missing ranks, or
 * the rank that died and why.
 */
public final class CommunicationException extends UserException {
  /** Exit code of a process whose rank ended because of another, or with it. */
  public static final int EXIT_CODE = 3;

  private static final long serialVersionUID = 1;

  public CommunicationException(String message) {
    super(message);
  }
}
