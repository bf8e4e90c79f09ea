package io.tanuki4j.backend.nd4j;

import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;

/** Elements of tensors of any type, as doubles. */
final class Elements {
  private Elements() {}

  static double get(Tensor tensor, long index) {
    double[] one = new double[1];
    load(one, 0, tensor, index, 1);
    return one[0];
  }

  static void set(Tensor tensor, long index, double value) {
    store(tensor, index, new double[] {value}, 0, 1);
  }

  /** Reads {@code count} elements, the first of them at {@code first}, to {@code into[at]} on. */
  static void load(double[] into, int at, Tensor source, long first, int count) {
    long firstByte = source.byteOffset() + first * source.dtype().bytes();
    ByteBuffer bytes = Block.of(source).window(firstByte);
    int index = Block.indexInWindow(firstByte);
    for (int i = 0; i < count; i++) {
      into[at + i] =
          switch (source.dtype()) {
            case F64 -> bytes.getDouble(index + 8 * i);
            case F32 -> bytes.getFloat(index + 4 * i);
            case BF16 -> Bf16.toFloat(bytes.getShort(index + 2 * i));
            case I64 -> bytes.getLong(index + 8 * i);
            case I32 -> bytes.getInt(index + 4 * i);
          };
    }
  }

  /** Writes {@code from[at]} and the following to {@code count} elements, rounded to their type. */
  static void store(Tensor target, long first, double[] from, int at, int count) {
    long firstByte = target.byteOffset() + first * target.dtype().bytes();
    ByteBuffer bytes = Block.of(target).window(firstByte);
    int index = Block.indexInWindow(firstByte);
    for (int i = 0; i < count; i++) {
      put(bytes, target.dtype(), index + i * target.dtype().bytes(), from[at + i]);
    }
  }

  private static void put(ByteBuffer bytes, DType dtype, int index, double value) {
    switch (dtype) {
      case F64 -> bytes.putDouble(index, value);
      case F32 -> bytes.putFloat(index, (float) value);
      case BF16 -> bytes.putShort(index, Bf16.fromFloat((float) value));
      case I64 -> bytes.putLong(index, (long) value);
      case I32 -> bytes.putInt(index, (int) value);
    }
  }

  /** Token ids. */
  static int getInt(Tensor ids, long index) {
    long firstByte = ids.byteOffset() + index * Integer.BYTES;
    return Block.of(ids).window(firstByte).getInt(Block.indexInWindow(firstByte));
  }
}
