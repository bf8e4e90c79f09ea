package io.tanuki4j.convert;

import io.tanuki4j.checkpoint.ShardedTensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Checks that the written tensors are the intended ones. */
public final class TensorComparison {
  private static final int BUFFER_BYTES = 1 << 20;

  private TensorComparison() {}

  /**
   * Compares all bits.
   *
   * @throws IllegalStateException if a tensor is missing or differs in a bit
   */
  public static void requireEqual(List<ShardedTensor> expected, List<ShardedTensor> written)
      throws IOException {
    Map<String, ShardedTensor> byName =
        written.stream().collect(Collectors.toMap(ShardedTensor::name, Function.identity()));
    for (ShardedTensor tensor : expected) {
      ShardedTensor other = byName.get(tensor.name());
      if (other == null || other.type() != tensor.type() || !equal(tensor, other)) {
        throw new IllegalStateException(
            tensor.name() + " was read back differently from how it was written.");
      }
    }
  }

  private static boolean equal(ShardedTensor a, ShardedTensor b) throws IOException {
    long numElements = a.shape().numElements();
    if (!a.shape().equals(b.shape()) || numElements == 0) {
      return a.shape().equals(b.shape());
    }
    int elementBytes = Math.toIntExact(a.numBytes() / numElements);
    ByteBuffer left = newBuffer();
    ByteBuffer right = newBuffer();
    int perBuffer = BUFFER_BYTES / elementBytes;
    for (long first = 0; first < numElements; first += perBuffer) {
      int bytes = (int) Math.min(perBuffer, numElements - first) * elementBytes;
      a.content().read(first, left.clear().limit(bytes));
      b.content().read(first, right.clear().limit(bytes));
      if (!left.flip().equals(right.flip())) {
        return false;
      }
    }
    return true;
  }

  private static ByteBuffer newBuffer() {
    return ByteBuffer.allocateDirect(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
  }
}
