package io.tanuki4j.tensor;

/** Element types of tensors, with their names in safetensors files and their sizes. */
public enum DType {
  F64(8),
  F32(4),
  BF16(2),
  I64(8),
  I32(4);

  private final int bytes;

  DType(int bytes) {
    this.bytes = bytes;
  }

  /** Size of one element in bytes. */
  public int bytes() {
    return bytes;
  }

  /** What sums and statistics over tensors of this floating type are kept in: F64 or F32. */
  public DType statisticsType() {
    return this == F64 ? F64 : F32;
  }

  public boolean isFloatingPoint() {
    return this == F64 || this == F32 || this == BF16;
  }
}
