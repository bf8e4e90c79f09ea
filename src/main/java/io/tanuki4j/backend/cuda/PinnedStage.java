package io.tanuki4j.backend.cuda;

import static io.tanuki4j.backend.cuda.CudaException.check;

import io.tanuki4j.kernel.HostStage;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;

/**
 * A stage in pinned host memory. Copies run on a stream of their own, behind the operations that
 * the device's stream holds when they are called. So they neither wait for later operations nor
 * delay them.
 */
final class PinnedStage implements HostStage {
  private final CudaStream operations;
  private final CudaStream copies = new CudaStream();
  private final CudaMark before = new CudaMark();
  private final List<Slot> slots = new ArrayList<>();
  private final Address device = new Address();

  private record Slot(BytePointer memory, int bytes, CUevent_st copied) {}

  /**
   * @param operations the device's stream
   */
  PinnedStage(CudaStream operations, int numSlots, int slotBytes) {
    this.operations = operations;
    try {
      for (int i = 0; i < numSlots; i++) {
        slots.add(newSlot(slotBytes));
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  private static Slot newSlot(int bytes) {
    BytePointer memory = new BytePointer();
    check(cudart.cudaHostAlloc(memory, bytes, cudart.cudaHostAllocDefault), "cudaHostAlloc");
    CUevent_st copied = new CUevent_st();
    check(
        cudart.cudaEventCreateWithFlags(copied, cudart.cudaEventDisableTiming),
        "cudaEventCreateWithFlags");
    memory.capacity(bytes);
    return new Slot(memory, bytes, copied);
  }

  @Override
  public int numSlots() {
    return slots.size();
  }

  @Override
  public ByteBuffer slot(int index) {
    return slots.get(index).memory().asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public void copy(int slot, ByteBuffer part, Tensor source) {
    operations.requireRunning("copy to the host");
    before.record(operations.handle());
    before.holdUp(copies.handle());
    check(
        cudart.cudaMemcpyAsync(
            new BytePointer(part.slice()),
            device.to(Address.of(source)),
            part.remaining(),
            cudart.cudaMemcpyDeviceToHost,
            copies.handle()),
        "cudaMemcpyAsync");
    check(cudart.cudaEventRecord(slots.get(slot).copied(), copies.handle()), "cudaEventRecord");
    part.position(part.limit());
  }

  /** Waits in the same way as the device, so that a watchdog sees it. */
  @Override
  public void await(int slot) {
    operations.synchronize(slots.get(slot).copied());
  }

  @Override
  public void close() {
    copies.synchronize();
    for (Slot slot : slots) {
      check(cudart.cudaEventDestroy(slot.copied()), "cudaEventDestroy");
      check(cudart.cudaFreeHost(slot.memory()), "cudaFreeHost");
    }
    slots.clear();
    before.close();
    copies.close();
  }
}
