package io.tanuki4j.comm.rendezvous;

import java.nio.ByteBuffer;

/**
 * The request with which one rank calls another: it says which connection it asks for.
 *
 * @param from global rank of the caller
 * @param to global rank of the listener
 * @param number the caller's world size in a call to rank 0's rendezvous; the number of groups
 *     created before in a call to a peer
 */
public record Call(Purpose purpose, int from, int to, int number) {
  static final int BYTES = 16;

  /** The purpose of the connection. */
  public enum Purpose {
    RENDEZVOUS,
    COLLECTIVES
  }

  ByteBuffer encode() {
    return ByteBuffer.allocate(BYTES)
        .putInt(purpose.ordinal())
        .putInt(from)
        .putInt(to)
        .putInt(number)
        .flip();
  }

  /**
   * Decodes a call. Bytes with an unknown purpose decode as {@code RENDEZVOUS}; the proof then does
   * not match.
   */
  static Call decode(ByteBuffer bytes) {
    int purpose = bytes.getInt();
    return new Call(
        purpose == Purpose.COLLECTIVES.ordinal() ? Purpose.COLLECTIVES : Purpose.RENDEZVOUS,
        bytes.getInt(),
        bytes.getInt(),
        bytes.getInt());
  }
}
