package io.tanuki4j.backend.host;

import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.DeviceInfo;
import io.tanuki4j.kernel.HostStage;
import io.tanuki4j.kernel.HostTensor.View;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Pointer;

/**
 * A device whose tensors lie in the host's memory, where every copy is done at once. An operation
 * has finished when its call returns.
 */
public abstract class HostDevice implements Device {
  private final List<BlockScope> roots = new ArrayList<>();
  private final String name;

  /**
   * @param name of the device, for people
   */
  protected HostDevice(String name) {
    this.name = name;
  }

  @Override
  public final DeviceInfo info() {
    return new DeviceInfo(name, Pointer.totalPhysicalBytes());
  }

  @Override
  public final MemoryScope openScope(String label) {
    return openScope(label, 0);
  }

  @Override
  public final MemoryScope openScope(String label, long plannedBytes) {
    BlockScope root = new BlockScope(label, plannedBytes, roots::remove);
    roots.add(root);
    return root;
  }

  @Override
  public final void upload(Tensor destination, ByteBuffer source) {
    Device.requireSize("upload", source, destination);
    HostCopy.toDevice(destination, source);
  }

  @Override
  public final void download(ByteBuffer destination, Tensor source) {
    Device.requireSize("download", destination, source);
    HostCopy.toHost(destination, source);
  }

  @Override
  public final Optional<View> hostView(Tensor tensor) {
    return Optional.of(new BlockView(tensor));
  }

  /** Takes a stage outside the Java heap, which may be as large as the model. */
  @Override
  public final HostStage openStage(int numSlots, int slotBytes) {
    List<Block> slots =
        Stream.generate(() -> new Block(slotBytes, "stage of --save")).limit(numSlots).toList();
    return new HostStage.Copying(
        slots.stream().map(slot -> slot.window(0).bytes().slice(0, slotBytes)).toList(),
        HostCopy::toHost,
        () -> slots.forEach(Block::close));
  }

  @Override
  public final void synchronize() {}

  /** Returns the bytes of all blocks, whether used or kept for the next pass. */
  @Override
  public final long bytesInUse() {
    return roots.stream().mapToLong(BlockScope::bytesHeld).sum();
  }

  /** Returns what the process may still take: up to JavaCPP's limit, or what the machine has. */
  @Override
  public final long bytesFree() {
    long limit = Pointer.maxPhysicalBytes();
    return limit == 0 // none
        ? Pointer.availablePhysicalBytes()
        : Math.max(0, limit - Pointer.physicalBytes());
  }

  /**
   * @throws IllegalStateException if a scope is still open
   */
  @Override
  public void close() {
    if (!roots.isEmpty()) {
      throw new IllegalStateException(
          "the device is closed while scopes are open: "
              + roots.stream().map(BlockScope::toString).toList());
    }
  }
}
