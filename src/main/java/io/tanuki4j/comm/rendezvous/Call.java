package io.tanuki4j.comm.rendezvous;

import java.nio.ByteBuffer;

/**
 * What a rank says when it calls another: which connection it asks for.
 *
 * @param from global rank of the caller
 * @param to global rank of the one that listens
 * @param number of a call to rank 0's rendezvous: the caller's world size; of a call to a peer: how
 *     many groups were made before
 */
public record Call(Purpose purpose, int from, int to, int number) {
  static final int BYTES = 16;

  /** What the connection is for. */
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
   * Returns the same bytes with any other purpose as {@code RENDEZVOUS}: its proof differs then.
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
