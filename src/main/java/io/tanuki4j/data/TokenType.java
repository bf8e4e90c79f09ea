package io.tanuki4j.data;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** How one token is stored in a .bin file (little endian); codes as in Megatron's .idx header. */
public enum TokenType {
  UINT8(1, 1, 0, 255),
  INT8(2, 1, -128, 127),
  INT16(3, 2, -32768, 32767),
  INT32(4, 4, Integer.MIN_VALUE, Integer.MAX_VALUE),
  INT64(5, 8, Long.MIN_VALUE, Long.MAX_VALUE),
  UINT16(8, 2, 0, 65535);

  private static final int FIRST_VOCAB_SIZE_OF_INT32 = 65500;

  private final int code;
  private final int numBytes;
  private final long min;
  private final long max;

  TokenType(int code, int numBytes, long min, long max) {
    this.code = code;
    this.numBytes = numBytes;
    this.min = min;
    this.max = max;
  }

  /** Returns Megatron's choice: uint16 for a vocabulary below 65500 ids, otherwise int32. */
  public static TokenType forVocabulary(int vocabSize) {
    return vocabSize < FIRST_VOCAB_SIZE_OF_INT32 ? UINT16 : INT32;
  }

  /** Returns the type with a code; none for the codes of floating-point types and unknown ones. */
  static Optional<TokenType> ofCode(int code) {
    return Arrays.stream(values()).filter(type -> type.code == code).findFirst();
  }

  /** Returns the code in the .idx header. */
  public int code() {
    return code;
  }

  /** Returns the number of bytes of one token. */
  public int numBytes() {
    return numBytes;
  }

  boolean holds(long token) {
    return min <= token && token <= max;
  }

  /** Appends a token that the type holds. */
  void put(ByteBuffer buffer, int token) {
    switch (this) {
      case UINT8, INT8 -> buffer.put((byte) token);
      case INT16, UINT16 -> buffer.putShort((short) token);
      case INT32 -> buffer.putInt(token);
      case INT64 -> buffer.putLong(token);
    }
  }

  /** Returns the token at a byte offset. */
  long get(ByteBuffer buffer, int offset) {
    return switch (this) {
      case UINT8 -> Byte.toUnsignedLong(buffer.get(offset));
      case INT8 -> buffer.get(offset);
      case INT16 -> buffer.getShort(offset);
      case INT32 -> buffer.getInt(offset);
      case INT64 -> buffer.getLong(offset);
      case UINT16 -> Short.toUnsignedLong(buffer.getShort(offset));
    };
  }

  /** Returns the name as numpy spells it, with its range. */
  String describe() {
    return "%s (%d to %d)".formatted(name().toLowerCase(Locale.ROOT), min, max);
  }
}
