package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.Manifest.StoredTensor;
import io.tanuki4j.checkpoint.ShardedTensor.Region;
import io.tanuki4j.checkpoint.safetensors.ElementType;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Future;

/**
 * Fills device memory from a checkpoint: threads read and convert some buffers ahead of the one
 * that is uploaded.
 */
final class TensorLoader implements AutoCloseable {
  private static final int BUFFER_ELEMENTS = 1 << 18;
  private static final int NUM_BUFFERS = ReaderThreads.NUMBER + 2;

  private final TensorFiles shards;
  private final Device device;
  private final ReaderThreads threads = new ReaderThreads();
  private final Deque<Buffers> free = new ArrayDeque<>();
  private final Deque<Ahead> ahead = new ArrayDeque<>();

  /** What a chunk is read into, and what it becomes if its type differs. */
  private record Buffers(ByteBuffer stored, ByteBuffer converted) {}

  private record Ahead(Buffers buffers, Tensor target, Future<ByteBuffer> content) {}

  TensorLoader(TensorFiles shards, Device device) {
    this.shards = shards;
    this.device = device;
  }

  /**
   * Begins to fill a tensor; {@link #finish} waits for it. Rows that the stored tensor does not
   * have become zero.
   */
  void load(StoredTensor from, ShardedTensor target) throws IOException {
    Region box = target.region().above(from.shape().dim(0));
    Tensor flat = target.local().reshape(Shape.of(target.local().numElements()));
    long numStored = box.numElements();
    for (long first = 0; first < numStored; first += BUFFER_ELEMENTS) {
      long start = first;
      long count = Math.min(BUFFER_ELEMENTS, numStored - first);
      Buffers buffers = takeBuffers();
      Tensor part = flat.rows(first, first + count);
      ahead.add(
          new Ahead(buffers, part, threads.submit(() -> read(from, box, start, part, buffers))));
    }
    fillWithZeros(flat.rows(numStored, flat.numElements()));
  }

  private void fillWithZeros(Tensor flat) {
    for (long first = 0; first < flat.numElements(); first += BUFFER_ELEMENTS) {
      long count = Math.min(BUFFER_ELEMENTS, flat.numElements() - first);
      Tensor part = flat.rows(first, first + count);
      device.upload(part, ByteBuffer.allocate(Math.toIntExact(part.numBytes())));
    }
  }

  private Buffers takeBuffers() throws IOException {
    if (free.isEmpty() && ahead.size() < NUM_BUFFERS) {
      return new Buffers(newBuffer(), newBuffer());
    }
    if (free.isEmpty()) {
      upload();
    }
    return free.remove();
  }

  private ByteBuffer read(StoredTensor from, Region box, long first, Tensor target, Buffers buffers)
      throws IOException {
    ByteBuffer stored = buffers.stored().clear();
    stored.limit(Math.toIntExact(from.type().numBytes(Shape.of(target.numElements()))));
    shards.read(from, box, first, stored);
    ElementType type = ElementType.of(target.dtype());
    if (from.type() == type) {
      return stored.flip();
    }
    FloatConversion.convert(stored.flip(), from.type(), buffers.converted().clear(), type);
    return buffers.converted().flip();
  }

  private void upload() throws IOException {
    Ahead next = ahead.remove();
    device.upload(next.target(), ReaderThreads.await(next.content()));
    free.add(next.buffers());
  }

  /** Waits until all tensors are filled. */
  void finish() throws IOException {
    while (!ahead.isEmpty()) {
      upload();
    }
  }

  private static ByteBuffer newBuffer() {
    return ByteBuffer.allocateDirect(BUFFER_ELEMENTS * Double.BYTES).order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public void close() {
    threads.close();
  }
}
