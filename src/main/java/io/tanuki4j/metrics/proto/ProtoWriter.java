package io.tanuki4j.metrics.proto;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * One message of Protocol Buffers, field by field, as proto3 writes it: zeros and empty texts are
 * left out, empty messages are not.
 */
public final class ProtoWriter {
  private static final int VARINT = 0;
  private static final int FIXED64 = 1;
  private static final int BYTES = 2;
  private static final int FIXED32 = 5;
  private static final int TYPE_BITS = 3;
  private static final int VARINT_BITS = 7;
  private static final int VARINT_MORE = 1 << VARINT_BITS;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  /** Adds an int32, int64, enum or bool. */
  public ProtoWriter number(int field, long value) {
    if (value != 0) {
      tag(field, VARINT);
      varint(value);
    }
    return this;
  }

  /** Adds a double. */
  public ProtoWriter float64(int field, double value) {
    if (Double.doubleToRawLongBits(value) != 0) {
      tag(field, FIXED64);
      fixed(ByteBuffer.allocate(Double.BYTES).order(ByteOrder.LITTLE_ENDIAN).putDouble(value));
    }
    return this;
  }

  /** Adds a float, even if it is zero. */
  public ProtoWriter float32(int field, float value) {
    tag(field, FIXED32);
    fixed(ByteBuffer.allocate(Float.BYTES).order(ByteOrder.LITTLE_ENDIAN).putFloat(value));
    return this;
  }

  /** Adds a text. */
  public ProtoWriter text(int field, String value) {
    return value.isEmpty() ? this : bytes(field, value.getBytes(StandardCharsets.UTF_8));
  }

  /** Adds a message. */
  public ProtoWriter message(int field, ProtoWriter value) {
    return bytes(field, value.toByteArray());
  }

  /** Returns the message so far. */
  public byte[] toByteArray() {
    return out.toByteArray();
  }

  private ProtoWriter bytes(int field, byte[] value) {
    tag(field, BYTES);
    varint(value.length);
    out.writeBytes(value);
    return this;
  }

  private void tag(int field, int type) {
    varint((long) field << TYPE_BITS | type);
  }

  private void varint(long value) {
    long rest = value;
    while ((rest & -VARINT_MORE) != 0) {
      out.write((int) (rest & (VARINT_MORE - 1)) | VARINT_MORE);
      rest >>>= VARINT_BITS;
    }
    out.write((int) rest);
  }

  private void fixed(ByteBuffer value) {
    out.writeBytes(value.array());
  }
}
