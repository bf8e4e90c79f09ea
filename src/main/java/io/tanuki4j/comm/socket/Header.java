package io.tanuki4j.comm.socket;

import io.tanuki4j.comm.Collective;
import io.tanuki4j.comm.Collective.Kind;
import io.tanuki4j.comm.ReduceOp;
import io.tanuki4j.tensor.DType;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * Precedes the data, so that ranks in different calls find out before they mix up their data.
 *
 * @param number counts the collectives of a group; 0 for a message between two ranks
 * @param call for a message: a broadcast from the group's rank that sends it
 */
record Header(long number, Collective call) {
  static final int BYTES = 32;

  static Header message(DType dtype, long numElements, int from) {
    return new Header(0, new Collective(Kind.BROADCAST, dtype, numElements, null, from));
  }

  long numBytes() {
    return call.numElements() * call.dtype().bytes();
  }

  ByteBuffer encode() {
    ReduceOp op = call.op();
    return ByteBuffer.allocate(BYTES)
        .putLong(number)
        .putInt(call.kind().ordinal())
        .putInt(call.dtype().ordinal())
        .putLong(call.numElements())
        .putInt(op == null ? -1 : op.ordinal())
        .putInt(call.root())
        .flip();
  }

  static Header decode(ByteBuffer bytes) {
    long number = bytes.getLong();
    Kind kind = Kind.values()[bytes.getInt()];
    DType dtype = DType.values()[bytes.getInt()];
    long numElements = bytes.getLong();
    int op = bytes.getInt();
    List<ReduceOp> ops = List.of(ReduceOp.values());
    return new Header(
        number,
        new Collective(kind, dtype, numElements, op < 0 ? null : ops.get(op), bytes.getInt()));
  }

  /**
   * Returns a description, for example {@code message of 4 F32} or {@code call #7, all-reduce (sum)
   * of 4 F32}.
   */
  @Override
  public String toString() {
    return number == 0
        ? "a message of %d %s".formatted(call.numElements(), call.dtype())
        : "call #%d, %s".formatted(number, call);
  }
}
