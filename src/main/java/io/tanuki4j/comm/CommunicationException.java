package io.tanuki4j.comm;

/**
 * Ranks could not exchange what they should: the message names the group, the operation and the
 * ranks that are missing, or the rank that died and why.
 */
public final class CommunicationException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public CommunicationException(String message) {
    super(message);
  }
}
