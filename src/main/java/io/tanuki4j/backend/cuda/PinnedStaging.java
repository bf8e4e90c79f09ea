package io.tanuki4j.backend.cuda;

import static io.tanuki4j.backend.cuda.CudaException.check;

import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.Readback;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Moves bytes between the heap and the GPU through a few buffers of pinned host memory, used in
 * turn. An upload waits only for the previous copy through its buffer.
 */
final class PinnedStaging implements AutoCloseable {
  private static final int NUM_SLOTS = 4;
  private static final int SLOT_BYTES = 4 << 20;
  private static final int NUM_READBACKS = 2;

  private final CudaStream stream;
  private final Slot[] slots = new Slot[NUM_SLOTS];
  private final Slot[] readbacks = new Slot[NUM_READBACKS];
  private final Address device = new Address();
  private int turn;
  private int readbackTurn;

  PinnedStaging(CudaStream stream) {
    this.stream = stream;
    for (int i = 0; i < NUM_SLOTS; i++) {
      slots[i] = new Slot(stream, SLOT_BYTES);
    }
    for (int i = 0; i < NUM_READBACKS; i++) {
      readbacks[i] = new Slot(stream, Device.MAX_READBACK_BYTES);
    }
  }

  /**
   * Uploads bytes. Returns when the source may be reused; the copies follow in the order of the
   * stream.
   */
  void upload(long destination, ByteBuffer source) {
    stream.requireRunning("upload");
    int length = source.remaining();
    for (int done = 0; done < length; done += SLOT_BYTES) {
      int count = Math.min(SLOT_BYTES, length - done);
      Slot slot = nextSlot();
      slot.awaitCopy();
      slot.bytes.put(0, source, source.position() + done, count);
      copy(device.to(destination + done), slot.pointer, count, cudart.cudaMemcpyHostToDevice);
      slot.markCopy();
    }
    source.position(source.limit());
  }

  /** Downloads bytes. Returns when they are there; several copies are in flight at a time. */
  void download(ByteBuffer destination, long source) {
    stream.requireRunning("download");
    int length = destination.remaining();
    int chunks = (length + SLOT_BYTES - 1) / SLOT_BYTES;
    for (int chunk = 0; chunk < chunks + NUM_SLOTS - 1; chunk++) {
      if (chunk < chunks) {
        int count = Math.min(SLOT_BYTES, length - chunk * SLOT_BYTES);
        Slot slot = slots[chunk % NUM_SLOTS];
        slot.awaitCopy();
        device.to(source + (long) chunk * SLOT_BYTES);
        copy(slot.pointer, device, count, cudart.cudaMemcpyDeviceToHost);
        slot.markCopy();
      }
      int arriving = chunk - NUM_SLOTS + 1;
      if (arriving >= 0) {
        take(destination, arriving, length);
      }
    }
    destination.position(destination.limit());
  }

  /** Begins a copy of a few bytes, without waiting for it. */
  Readback readBack(long source, int length) {
    stream.requireRunning("read back");
    readbackTurn = (readbackTurn + 1) % NUM_READBACKS;
    Slot slot = readbacks[readbackTurn];
    ByteBuffer bytes = slot.bytes.slice(0, length).order(ByteOrder.LITTLE_ENDIAN);
    copy(slot.pointer, device.to(source), length, cudart.cudaMemcpyDeviceToHost);
    slot.markCopy();
    return () -> {
      slot.awaitCopy();
      return bytes.rewind();
    };
  }

  private void take(ByteBuffer destination, int chunk, int length) {
    Slot slot = slots[chunk % NUM_SLOTS];
    slot.awaitCopy();
    int done = chunk * SLOT_BYTES;
    int count = Math.min(SLOT_BYTES, length - done);
    destination.put(destination.position() + done, slot.bytes, 0, count);
  }

  private Slot nextSlot() {
    turn = (turn + 1) % NUM_SLOTS;
    return slots[turn];
  }

  private void copy(Pointer to, Pointer from, long bytes, int kind) {
    check(cudart.cudaMemcpyAsync(to, from, bytes, kind, stream.handle()), "cudaMemcpyAsync");
  }

  @Override
  public void close() {
    for (Slot slot : slots) {
      slot.close();
    }
    for (Slot slot : readbacks) {
      slot.close();
    }
  }

  /** A pinned buffer and the event behind its last copy. */
  private static final class Slot {
    private final CudaStream stream;
    private final BytePointer pointer = new BytePointer();
    private final ByteBuffer bytes;
    private final CUevent_st copied = new CUevent_st();

    Slot(CudaStream stream, int numBytes) {
      this.stream = stream;
      check(cudart.cudaHostAlloc(pointer, numBytes, cudart.cudaHostAllocDefault), "cudaHostAlloc");
      bytes = pointer.capacity(numBytes).asByteBuffer();
      check(
          cudart.cudaEventCreateWithFlags(copied, cudart.cudaEventDisableTiming),
          "cudaEventCreateWithFlags");
    }

    void markCopy() {
      check(cudart.cudaEventRecord(copied, stream.handle()), "cudaEventRecord");
    }

    void awaitCopy() {
      stream.synchronize(copied);
    }

    void close() {
      check(cudart.cudaEventDestroy(copied), "cudaEventDestroy");
      check(cudart.cudaFreeHost(pointer), "cudaFreeHost");
    }
  }
}
