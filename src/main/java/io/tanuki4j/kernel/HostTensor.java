package io.tanuki4j.kernel;

import io.tanuki4j.error.UserException;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A tensor as other threads read and write it: in place where the host reaches the device's memory,
 * otherwise through a copy. The rank's own thread creates it and calls {@link #writeBack}.
 */
public final class HostTensor implements AutoCloseable {
  private final Device device;
  private final Tensor tensor;
  private final View view;

  private HostTensor(Device device, Tensor tensor, boolean read) {
    this.device = device;
    this.tensor = tensor;
    this.view = device.hostView(tensor).orElseGet(() -> new Copy(tensor));
    if (read && view instanceof Copy copy) {
      device.download(copy.all(), tensor);
    }
  }

  /** Returns a view of a tensor that is read, and perhaps also written. */
  public static HostTensor readable(Device device, Tensor tensor) {
    return new HostTensor(device, tensor, true);
  }

  /** Returns a view of a tensor that is completely overwritten. */
  public static HostTensor writable(Device device, Tensor tensor) {
    return new HostTensor(device, tensor, false);
  }

  /**
   * Returns a run of elements, little-endian.
   *
   * @param count number of elements, at most {@link View#MAX_BYTES} in bytes
   */
  public ByteBuffer elements(long from, int count) {
    int size = tensor.dtype().bytes();
    return view.bytes(from * size, count * size);
  }

  public long numElements() {
    return tensor.numElements();
  }

  /** Returns the size and type, for example {@code 4096 F32}. */
  public String contents() {
    return tensor.numElements() + " " + tensor.dtype();
  }

  /** Copies what was written into the tensor. */
  public void writeBack() {
    if (view instanceof Copy copy) {
      device.upload(tensor, copy.all());
    }
  }

  /** Releases the tensor, so that its scope can free the memory. */
  @Override
  public void close() {
    view.close();
  }

  /** A host copy, for devices whose memory the host does not reach. */
  private record Copy(ByteBuffer memory) implements View {
    Copy(Tensor tensor) {
      this(ByteBuffer.allocate(requireSmall(tensor)).order(ByteOrder.LITTLE_ENDIAN));
    }

    private static int requireSmall(Tensor tensor) {
      if (tensor.numBytes() > MAX_BYTES) {
        throw new UserException(
            "%s: %d bytes in one communication (expected: up to %d between ranks without NCCL). Use smaller buckets."
                .formatted(tensor, tensor.numBytes(), MAX_BYTES));
      }
      return (int) tensor.numBytes();
    }

    ByteBuffer all() {
      return bytes(0, memory.capacity());
    }

    @Override
    public ByteBuffer bytes(long from, int count) {
      return memory.slice((int) from, count).order(ByteOrder.LITTLE_ENDIAN);
    }

    @Override
    public void close() {}
  }

  /**
   * The bytes of a tensor in place, for the host to read and write; any thread may. The memory
   * stays until the view is closed, even if its scope closes before.
   */
  public interface View extends AutoCloseable {
    /** The most bytes that {@link #bytes} gives at once. */
    int MAX_BYTES = 1 << 30;

    /**
     * Returns a run of the tensor's bytes, little-endian.
     *
     * @param from counted from the tensor's first byte
     * @param count up to {@link #MAX_BYTES}
     */
    ByteBuffer bytes(long from, int count);

    @Override
    void close();
  }
}
