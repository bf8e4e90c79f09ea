package io.tanuki4j.tokenizer;

import io.tanuki4j.error.UserException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * Walks the fields of one protobuf message. Wire format:
 * https://protobuf.dev/programming-guides/encoding. Damage is reported as a UserException whose
 * message is the reason, with the place in the file.
 */
final class ProtoReader {
  private static final int VARINT = 0;
  private static final int FIXED64 = 1;
  private static final int BYTES = 2;
  private static final int FIXED32 = 5;
  private static final int MAX_VARINT_BITS = 64;

  private final ByteBuffer in;
  private int field;
  private int wireType;
  private long number;
  private ByteBuffer bytes;

  /** Reads from the buffer's position to its limit. */
  ProtoReader(ByteBuffer message) {
    in = message.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    bytes = in;
  }

  /** Moves to the next field. Returns false at the end of the message. */
  boolean next() {
    if (!in.hasRemaining()) {
      return false;
    }
    long tag = varint();
    field = (int) (tag >>> 3);
    wireType = (int) tag & 7;
    switch (wireType) {
      case VARINT -> number = varint();
      case FIXED64 -> number = take(Long.BYTES).getLong();
      case FIXED32 -> number = take(Integer.BYTES).getInt();
      case BYTES -> bytes = take(varint());
      default -> throw damaged("a field of the unknown wire type " + wireType);
    }
    return true;
  }

  int field() {
    return field;
  }

  /** Returns the value of a varint field. */
  long number() {
    requireType(VARINT, "a number");
    return number;
  }

  boolean flag() {
    return number() != 0;
  }

  /** Returns the value of a field that is a float. */
  float float32() {
    requireType(FIXED32, "a float");
    return Float.intBitsToFloat((int) number);
  }

  /** Returns the value of a field that is a message. */
  ProtoReader message() {
    requireType(BYTES, "a message");
    return new ProtoReader(bytes);
  }

  /** Returns the value of a field that is text. */
  String text() {
    requireType(BYTES, "text");
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(bytes.duplicate()).toString();
    } catch (CharacterCodingException e) {
      throw damaged("text that is not UTF-8");
    }
  }

  /** Returns the value of a field that is raw bytes. */
  byte[] bytes() {
    requireType(BYTES, "bytes");
    byte[] copy = new byte[bytes.remaining()];
    bytes.duplicate().get(copy);
    return copy;
  }

  private void requireType(int expected, String name) {
    if (wireType != expected) {
      throw damaged("field %d is not %s".formatted(field, name));
    }
  }

  private long varint() {
    long value = 0;
    for (int shift = 0; shift < MAX_VARINT_BITS; shift += 7) {
      byte next = take(1).get();
      value |= (long) (next & 0x7f) << shift;
      if (next >= 0) {
        return value;
      }
    }
    throw damaged("a number of more than 64 bits");
  }

  private ByteBuffer take(long count) {
    if (count < 0 || count > in.remaining()) {
      throw damaged("a field that is cut off");
    }
    ByteBuffer taken = in.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    taken.limit(in.position() + (int) count);
    in.position(taken.limit());
    return taken;
  }

  private UserException damaged(String what) {
    return new UserException(what + " before byte " + in.position());
  }
}
