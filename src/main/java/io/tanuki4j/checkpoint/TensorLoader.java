package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.Manifest.StoredTensor;
import io.tanuki4j.checkpoint.ShardedTensor.Region;
import io.tanuki4j.checkpoint.disk.FileRead;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.HostTensor.View;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * Fills device memory from a checkpoint. Threads read and convert: in place where the host reaches
 * the memory, otherwise some buffers ahead of the one that is uploaded.
 */
final class TensorLoader implements AutoCloseable {
  private static final int RUN_BYTES = 4 << 20;
  private static final int MAX_AHEAD = ReaderThreads.NUMBER + 2;
  private static final ThreadLocal<ByteBuffer> STORED =
      ThreadLocal.withInitial(() -> FileRead.newBuffer(FileRead.BLOCK_BYTES));

  private final TensorFiles shards;
  private final Device device;
  private final ReaderThreads threads = new ReaderThreads();
  private final Deque<ByteBuffer> free = new ArrayDeque<>();
  private final Deque<Ahead> ahead = new ArrayDeque<>();
  private final List<View> views = new ArrayList<>();

  /**
   * A run of elements that a thread reads.
   *
   * @param into its bytes as the target has them
   * @param target where they are uploaded then; null if they are read in place
   */
  private record Ahead(Future<Boolean> read, ByteBuffer into, @Nullable Tensor target) {}

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
    Optional<View> view = device.hostView(flat);
    view.ifPresent(views::add);
    int elementBytes = flat.dtype().bytes();
    int most = RUN_BYTES / elementBytes;
    long numStored = box.numElements();
    for (long first = 0; first < numStored; first += most) {
      int bytes = (int) Math.min(most, numStored - first) * elementBytes;
      awaitTurn();
      if (view.isPresent()) {
        ByteBuffer into = view.get().bytes(first * elementBytes, bytes);
        ahead.add(new Ahead(begin(from, box, first, into, flat), into, null));
      } else {
        Tensor part = flat.rows(first, first + bytes / elementBytes);
        ByteBuffer into = takeBuffer().clear().limit(bytes);
        ahead.add(new Ahead(begin(from, box, first, into, flat), into, part));
      }
    }
    fillWithZeros(flat.rows(numStored, flat.numElements()));
  }

  private void fillWithZeros(Tensor flat) {
    int most = RUN_BYTES / flat.dtype().bytes();
    for (long first = 0; first < flat.numElements(); first += most) {
      long count = Math.min(most, flat.numElements() - first);
      Tensor part = flat.rows(first, first + count);
      device.upload(part, ByteBuffer.allocate(Math.toIntExact(part.numBytes())));
    }
  }

  private Future<Boolean> begin(
      StoredTensor from, Region box, long first, ByteBuffer into, Tensor target) {
    ElementType type = ElementType.of(target.dtype());
    return threads.submit(
        () -> {
          read(from, box, first, into.duplicate().order(into.order()), type);
          return true;
        });
  }

  /** Fills the rest of a buffer. What is to be converted is read block by block. */
  private void read(StoredTensor from, Region box, long first, ByteBuffer into, ElementType type)
      throws IOException {
    if (from.type() == type) {
      shards.read(from, box, first, into);
      return;
    }
    int most = FileRead.BLOCK_BYTES / Math.max(from.type().elementBytes(), type.elementBytes());
    for (long element = first; into.hasRemaining(); element += most) {
      int count = Math.min(most, into.remaining() / type.elementBytes());
      ByteBuffer stored = STORED.get().clear().limit(count * from.type().elementBytes());
      shards.read(from, box, element, stored);
      FloatConversion.convert(from.name(), stored.flip(), from.type(), into, type);
    }
  }

  private ByteBuffer takeBuffer() {
    return free.isEmpty() ? FileRead.newBuffer(RUN_BYTES) : free.remove();
  }

  /** Waits until there are few enough runs ahead. */
  private void awaitTurn() throws IOException {
    if (ahead.size() >= MAX_AHEAD) {
      take();
    }
  }

  private void take() throws IOException {
    Ahead next = ahead.remove();
    ReaderThreads.await(next.read());
    if (next.target() != null) {
      device.upload(next.target(), next.into());
      free.add(next.into());
    }
  }

  /** Waits until all tensors are filled. */
  void finish() throws IOException {
    while (!ahead.isEmpty()) {
      take();
    }
  }

  /** Waits for the threads, so that none writes into memory that is released. */
  @Override
  public void close() {
    threads.close();
    views.forEach(View::close);
  }
}
