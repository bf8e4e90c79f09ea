package io.tanuki4j.checkpoint.safetensors;

import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import org.jspecify.annotations.Nullable;

/**
 * Every element type of the format, by its name in files, in the order of rising alignment that the
 * reference writer sorts tensors by.
 */
public enum ElementType {
  BOOL(8),
  F4(4),
  F6_E2M3(6),
  F6_E3M2(6),
  U8(8),
  I8(8),
  F8_E5M2(8),
  F8_E4M3(8),
  F8_E8M0(8),
  F8_E4M3FNUZ(8),
  F8_E5M2FNUZ(8),
  I16(16),
  U16(16),
  F16(16),
  BF16(16),
  I32(32),
  U32(32),
  F32(32),
  C64(64),
  F64(64),
  I64(64),
  U64(64);

  private final int bits;

  ElementType(int bits) {
    this.bits = bits;
  }

  public static ElementType of(DType dtype) {
    return valueOf(dtype.name());
  }

  /** Returns the type by its name in a file; null if there is none. */
  static @Nullable ElementType named(String name) {
    for (ElementType type : values()) {
      if (type.name().equals(name)) {
        return type;
      }
    }
    return null;
  }

  /**
   * Returns the size of a tensor in bytes.
   *
   * @throws ArithmeticException if that is no whole number or more than a long holds
   */
  public long numBytes(Shape shape) {
    long numBits = Math.multiplyExact(shape.numElements(), (long) bits);
    if (numBits % Byte.SIZE != 0) {
      throw new ArithmeticException(numBits + " bits are no whole number of bytes");
    }
    return numBits / Byte.SIZE;
  }

  /** Returns the size of an element of a type of whole bytes. */
  public int elementBytes() {
    return Math.toIntExact(numBytes(Shape.of(1)));
  }
}
