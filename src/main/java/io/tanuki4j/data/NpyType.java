package io.tanuki4j.data;

import java.util.Arrays;
import java.util.Optional;

/** Element types of the .npy files in a cache. */
enum NpyType {
  INT16("<i2", Short.BYTES),
  INT32("<i4", Integer.BYTES),
  UINT32("<u4", Integer.BYTES),
  INT64("<i8", Long.BYTES);

  private final String descr;
  private final int numBytes;

  NpyType(String descr, int numBytes) {
    this.descr = descr;
    this.numBytes = numBytes;
  }

  static Optional<NpyType> ofDescr(String descr) {
    return Arrays.stream(values()).filter(type -> type.descr.equals(descr)).findFirst();
  }

  /** Returns numpy's name in the header. */
  String descr() {
    return descr;
  }

  int numBytes() {
    return numBytes;
  }
}
