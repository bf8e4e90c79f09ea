package io.tanuki4j.comm.host;

import io.tanuki4j.error.UserException;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.HostView;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A tensor as other threads read and write it: in place where the host reaches the device's memory,
 * a copy elsewhere. The thread of the rank makes it and calls {@link #writeBack}.
 */
public final class HostTensor implements AutoCloseable {
  private final Device device;
  private final Tensor tensor;
  private final HostView view;

  private HostTensor(Device device, Tensor tensor, boolean read) {
    this.device = device;
    this.tensor = tensor;
    this.view = device.hostView(tensor).orElseGet(() -> new Copy(tensor));
    if (read && view instanceof Copy copy) {
      device.download(copy.all(), tensor);
    }
  }

  /** Of a tensor that is read, and perhaps written too. */
  public static HostTensor readable(Device device, Tensor tensor) {
    return new HostTensor(device, tensor, true);
  }

  /** Of a tensor all of which is overwritten. */
  public static HostTensor writable(Device device, Tensor tensor) {
    return new HostTensor(device, tensor, false);
  }

  /**
   * A run of elements, little-endian.
   *
   * @param count of at most {@link HostView#MAX_BYTES}
   */
  public ByteBuffer elements(long from, int count) {
    int size = tensor.dtype().bytes();
    return view.bytes(from * size, count * size);
  }

  public long numElements() {
    return tensor.numElements();
  }

  /** For example {@code 4096 F32}. */
  public String contents() {
    return tensor.numElements() + " " + tensor.dtype();
  }

  /** Brings what was written into the tensor. */
  public void writeBack() {
    if (view instanceof Copy copy) {
      device.upload(tensor, copy.all());
    }
  }

  /** Lets the tensor's scope free its memory. */
  @Override
  public void close() {
    view.close();
  }

  /** For devices whose memory the host does not reach. */
  private record Copy(ByteBuffer memory) implements HostView {
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
}
