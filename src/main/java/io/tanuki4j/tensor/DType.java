package io.tanuki4j.tensor;

/**
 * Element types of tensors, with their names in safetensors files and their sizes. FP8 types hold
 * scaled numbers; only {@link Float8} and products know them.
 */
public enum DType {
  F64(8),
  F32(4),
  BF16(2),
  F16(2),
  F8_E4M3(1),
  F8_E5M2(1),
  I64(8),
  I32(4);

  private final int bytes;

  DType(int bytes) {
    this.bytes = bytes;
  }

  /** Returns size of one element in bytes. */
  public int bytes() {
    return bytes;
  }

  /** Returns the type of sums and statistics over tensors of this floating type: F64 or F32. */
  public DType statisticsType() {
    return this == F64 ? F64 : F32;
  }

  /** Returns whether elements are {@link Float16} numbers. */
  public boolean isFloat16() {
    return this == BF16 || this == F16;
  }

  /** Returns whether elements are FP8 numbers, which need a scale. */
  public boolean isFloat8() {
    return this == F8_E4M3 || this == F8_E5M2;
  }

  /** Returns whether kernels compute with elements of this type as they are. */
  public boolean isFloatingPoint() {
    return this == F64 || this == F32 || isFloat16();
  }
}
