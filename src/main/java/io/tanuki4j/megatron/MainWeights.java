package io.tanuki4j.megatron;

import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.checkpoint.TensorViews;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Compares the optimizer's own copy of the weights, in fp32, with the model's. The moments lie in
 * the same order as the copy, so if that is right, they are too: an order that Megatron does not
 * store cannot be mistaken. Megatron Core 0.16 itself writes a wrong one for fully_reshardable, if
 * buckets end with padding.
 */
final class MainWeights {
  private static final int NUM_COMPARED = 256;

  /** BF16 keeps 8 bits. */
  private static final double TOLERANCE = 0x1p-7;

  /** F16 keeps 8 bits from here on. */
  private static final double SMALLEST = 1e-5;

  private MainWeights() {}

  /**
   * Compares the beginning, the middle and the end of each tensor.
   *
   * @throws UserException if they differ by more than rounding
   */
  static void requireEqual(Path folder, List<ShardedTensor> copies, List<ShardedTensor> model)
      throws IOException {
    Map<String, ShardedTensor> byName = new HashMap<>();
    model.forEach(tensor -> byName.put(tensor.name(), tensor));
    for (ShardedTensor copy : copies) {
      ShardedTensor weight = Objects.requireNonNull(byName.get(copy.name()));
      long count = weight.shape().numElements();
      int compared = (int) Math.min(NUM_COMPARED, count);
      for (long first : new long[] {0, (count - compared) / 2, count - compared}) {
        requireEqual(folder, copy, weight, first, compared);
      }
    }
  }

  private static void requireEqual(
      Path folder, ShardedTensor copy, ShardedTensor weight, long first, int count)
      throws IOException {
    ByteBuffer copies = read(copy, first, count);
    ByteBuffer weights = read(weight, first, count);
    for (int i = 0; i < count; i++) {
      double value = weights.getDouble();
      double main = copies.getDouble();
      if (Math.abs(value - main) > TOLERANCE * Math.max(SMALLEST, Math.abs(value))) {
        throw new UserException(
            "%s: element %d of %s is %s, but %s in its optimizer's state (expected: the same but for rounding), so the moments are not in the order of the weights either. Add --no-load-optim to take the weights only."
                .formatted(folder, first + i, copy.name(), value, main));
      }
    }
  }

  private static ByteBuffer read(ShardedTensor tensor, long first, int count) throws IOException {
    ByteBuffer values = ByteBuffer.allocate(count * Double.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    TensorViews.retyped(tensor, ElementType.F64).content().read(first, values);
    return values.flip();
  }
}
