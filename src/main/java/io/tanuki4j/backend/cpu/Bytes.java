package io.tanuki4j.backend.cpu;

import io.tanuki4j.backend.host.Block;
import io.tanuki4j.tensor.Float8;
import io.tanuki4j.tensor.Tensor;

/** Elements of one byte, as they lie in tensors. */
final class Bytes {
  private Bytes() {}

  static byte get(Tensor tensor, long index) {
    long at = Block.firstByte(tensor, index);
    return Block.of(tensor).window(at).bytes().get(Block.indexInWindow(at));
  }

  /** Writes the first bytes of an array from element {@code first} on. */
  static void put(Tensor tensor, long first, byte[] bytes, int count) {
    long at = Block.firstByte(tensor, first);
    Block.of(tensor).window(at).bytes().put(Block.indexInWindow(at), bytes, 0, count);
  }

  /** Decodes elements into the row. */
  static void decode(Row row, Tensor tensor, long first, int count) {
    row.fill(0, count);
    long at = Block.firstByte(tensor, first);
    var bytes = Block.of(tensor).window(at).bytes();
    for (int i = 0; i < count; i++) {
      row.set(i, Float8.toFloat(bytes.get(Block.indexInWindow(at) + i), tensor.dtype()));
    }
  }
}
