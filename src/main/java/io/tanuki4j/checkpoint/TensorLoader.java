package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.Manifest.StoredTensor;
import io.tanuki4j.checkpoint.safetensors.ElementType;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Fills device memory from a checkpoint through two small buffers: one read, one converted. */
final class TensorLoader {
  private static final int BUFFER_ELEMENTS = 1 << 18;

  private final OpenShards shards;
  private final Device device;
  private final ByteBuffer stored = newBuffer();
  private final ByteBuffer converted = newBuffer();

  TensorLoader(OpenShards shards, Device device) {
    this.shards = shards;
    this.device = device;
  }

  /** Rows that the stored tensor does not have become zero. */
  void load(StoredTensor from, ShardedTensor target) throws IOException {
    Region box = target.region().above(from.shape().dim(0));
    Tensor flat = target.local().reshape(Shape.of(target.local().numElements()));
    long numStored = box.numElements();
    for (long first = 0; first < numStored; first += BUFFER_ELEMENTS) {
      long count = Math.min(BUFFER_ELEMENTS, numStored - first);
      stored.clear().limit(Math.toIntExact(from.type().numBytes(Shape.of(count))));
      shards.read(from, box, first, stored);
      converted.clear();
      FloatConversion.convert(stored.flip(), from.type(), converted, ElementType.of(flat.dtype()));
      device.upload(flat.rows(first, first + count), converted.flip());
    }
    fillWithZeros(flat.rows(numStored, flat.numElements()));
  }

  private void fillWithZeros(Tensor flat) {
    if (flat.numElements() == 0) {
      return;
    }
    converted.clear();
    converted.put(new byte[converted.capacity()]);
    for (long first = 0; first < flat.numElements(); first += BUFFER_ELEMENTS) {
      long count = Math.min(BUFFER_ELEMENTS, flat.numElements() - first);
      converted.position(0).limit(Math.toIntExact(count * flat.dtype().bytes()));
      device.upload(flat.rows(first, first + count), converted);
    }
  }

  private static ByteBuffer newBuffer() {
    return ByteBuffer.allocateDirect(BUFFER_ELEMENTS * Double.BYTES).order(ByteOrder.LITTLE_ENDIAN);
  }
}
