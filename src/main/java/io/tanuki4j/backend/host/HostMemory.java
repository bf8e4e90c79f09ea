package io.tanuki4j.backend.host;

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
 * The memory of one device whose tensors lie in the host's memory, where every copy is done at
 * once.
 */
public final class HostMemory implements AutoCloseable {
  private final List<BlockScope> roots = new ArrayList<>();

  /** Opens a root scope, see {@link io.tanuki4j.kernel.Device#openScope(String, long)}. */
  public MemoryScope openScope(String label, long plannedBytes) {
    BlockScope root = new BlockScope(label, plannedBytes, roots::remove);
    roots.add(root);
    return root;
  }

  public void upload(Tensor destination, ByteBuffer source) {
    requireBytes("upload", source.remaining(), destination);
    HostCopy.toDevice(destination, source);
  }

  public void download(ByteBuffer destination, Tensor source) {
    requireBytes("download", destination.remaining(), source);
    HostCopy.toHost(destination, source);
  }

  private static void requireBytes(String what, int hostBytes, Tensor tensor) {
    if (hostBytes != tensor.numBytes()) {
      throw new IllegalArgumentException(
          "%s of %s: %d bytes on the host (expected: %d)"
              .formatted(what, tensor, hostBytes, tensor.numBytes()));
    }
  }

  public Optional<View> view(Tensor tensor) {
    return Optional.of(new BlockView(tensor));
  }

  /** Takes a stage outside the Java heap, which may be as large as the model. */
  public HostStage openStage(int numSlots, int slotBytes) {
    List<Block> slots =
        Stream.generate(() -> new Block(slotBytes, "stage of --save")).limit(numSlots).toList();
    return new HostStage.Copying(
        slots.stream().map(slot -> slot.window(0).bytes().slice(0, slotBytes)).toList(),
        HostCopy::toHost,
        () -> slots.forEach(Block::close));
  }

  /** Returns the bytes of all blocks, whether used or kept for the next pass. */
  public long bytesHeld() {
    return roots.stream().mapToLong(BlockScope::bytesHeld).sum();
  }

  /** Returns what the process may still take: up to JavaCPP's limit, or what the machine has. */
  public static long bytesFree() {
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
