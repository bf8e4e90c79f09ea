package io.tanuki4j.backend.nd4j;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.custom.BitCast;
import org.nd4j.linalg.factory.Nd4j;

/** Arithmetic of bits on arrays of LONG, and the bits of numbers. */
final class Bits {
  private Bits() {}

  /** Returns the same bits as elements of another type of the same size. */
  static INDArray cast(INDArray array, DataType type) {
    INDArray out = Nd4j.createUninitialized(type, array.shape());
    Nd4j.exec(new BitCast(array, type, out));
    return out;
  }

  static INDArray and(INDArray array, long mask) {
    return Nd4j.bitwise().and(array, filled(array, mask));
  }

  static INDArray xor(INDArray a, INDArray b) {
    return Nd4j.bitwise().xor(a, b);
  }

  static INDArray xor(INDArray array, long mask) {
    return xor(array, filled(array, mask));
  }

  /** Shifts to the right, with copies of the sign. */
  static INDArray shiftRight(INDArray array, int count) {
    return Nd4j.bitwise().rightShift(array, filled(array, count));
  }

  private static INDArray filled(INDArray like, long value) {
    return like.like().assign(value);
  }
}
