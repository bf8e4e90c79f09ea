package io.tanuki4j.comm.rendezvous;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;

/**
 * A message between a rank and rank 0's {@link RendezvousServer}.
 *
 * @param text a key, or a sentence
 */
record RendezvousMessage(Kind kind, String text, byte[] value) {
  /** Far above the size of any value: a larger number does not come from a rank. */
  private static final int MAX_VALUE_BYTES = 1 << 24;

  private static final byte[] NOTHING = {};

  enum Kind {
    /** To a rank: it takes part. */
    WELCOME,
    /** To a rank: it may not take part, and why. */
    REFUSED,
    /** To a rank: all ranks are there. */
    COMPLETE,
    SET,
    GET,
    VALUE,
    /** To rank 0: this rank has failed. */
    FAIL,
    /** To a rank: the run has failed. */
    FAILED,
    /** To rank 0: this rank leaves, its work done. */
    BYE
  }

  static RendezvousMessage of(Kind kind, String text) {
    return new RendezvousMessage(kind, text, NOTHING);
  }

  static RendezvousMessage read(DataInputStream in) throws IOException {
    int kind = in.readUnsignedByte();
    String text = in.readUTF();
    int length = in.readInt();
    if (kind >= Kind.values().length || length < 0 || length > MAX_VALUE_BYTES) {
      throw new IOException("what it says makes no sense");
    }
    return new RendezvousMessage(Kind.values()[kind], text, in.readNBytes(length));
  }

  void write(DataOutputStream out) throws IOException {
    out.writeByte(kind.ordinal());
    out.writeUTF(text);
    out.writeInt(value.length);
    out.write(value);
    out.flush();
  }
}
