package io.tanuki4j.backend.cpu;

import io.tanuki4j.backend.host.Block;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Float16;
import io.tanuki4j.tensor.Float8;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;

/** Single elements of tensors of any type, and runs of them where no arithmetic is needed. */
final class Elements {
  private Elements() {}

  static double get(Tensor tensor, long index) {
    long at = Block.firstByte(tensor, index);
    ByteBuffer bytes = Block.of(tensor).window(at).bytes();
    int place = Block.indexInWindow(at);
    return switch (tensor.dtype()) {
      case F64 -> bytes.getDouble(place);
      case F32 -> bytes.getFloat(place);
      case F8_E4M3, F8_E5M2 -> Float8.toFloat(bytes.get(place), tensor.dtype());
      case BF16, F16 -> Float16.toFloat(bytes.getShort(place), tensor.dtype());
      case I64 -> bytes.getLong(place);
      case I32 -> bytes.getInt(place);
    };
  }

  /** Sets an element to the value rounded to its type. */
  static void set(Tensor tensor, long index, double value) {
    long at = Block.firstByte(tensor, index);
    ByteBuffer bytes = Block.of(tensor).window(at).bytes();
    int place = Block.indexInWindow(at);
    switch (tensor.dtype()) {
      case F64 -> bytes.putDouble(place, value);
      case F32 -> bytes.putFloat(place, (float) value);
      case F8_E4M3, F8_E5M2 -> bytes.put(place, Float8.fromFloat((float) value, tensor.dtype()));
      case BF16, F16 -> bytes.putShort(place, Float16.fromDouble(value, tensor.dtype()));
      case I64 -> bytes.putLong(place, (long) value);
      case I32 -> bytes.putInt(place, (int) value);
    }
  }

  /** Returns a token id. */
  static int getInt(Tensor ids, long index) {
    long at = Block.firstByte(ids, index);
    return Block.of(ids).window(at).bytes().getInt(Block.indexInWindow(at));
  }

  static void fill(Tensor out, long first, double value, int count, Scratch scratch) {
    if (out.dtype().isFloatingPoint()) {
      Row row = scratch.row(0, out);
      row.fill(value, count);
      row.store(out, first);
      return;
    }
    for (long i = first; i < first + count; i++) {
      set(out, i, value);
    }
  }

  /** Copies elements of the same type. */
  static void copy(Tensor out, Tensor in, long first, int count) {
    long to = Block.firstByte(out, first);
    long from = Block.firstByte(in, first);
    ByteBuffer source = Block.of(in).window(from).bytes();
    Block.of(out)
        .window(to)
        .bytes()
        .put(
            Block.indexInWindow(to),
            source,
            Block.indexInWindow(from),
            count * out.dtype().bytes());
  }

  /** Copies elements between floating types. */
  static void convert(Tensor out, Tensor in, long first, int count, Scratch scratch) {
    if (out.dtype() != DType.F64 && in.dtype() != DType.F64) {
      Row row = scratch.row(0, in);
      row.load(in, first, count);
      row.store(out, first);
      return;
    }
    for (long i = first; i < first + count; i++) {
      set(out, i, get(in, i));
    }
  }
}
