package io.tanuki4j.comm;

import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.DeviceInfo;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;

/** A device whose memory the host does not reach, as a GPU's. */
public record CopyingDevice(Device device) implements Device {
  @Override
  public DeviceInfo info() {
    return device.info();
  }

  @Override
  public Kernels kernels() {
    return device.kernels();
  }

  @Override
  public MemoryScope openScope(String label) {
    return device.openScope(label);
  }

  @Override
  public void upload(Tensor destination, ByteBuffer source) {
    device.upload(destination, source);
  }

  @Override
  public void download(ByteBuffer destination, Tensor source) {
    device.download(destination, source);
  }

  @Override
  public void synchronize() {
    device.synchronize();
  }

  @Override
  public long bytesInUse() {
    return device.bytesInUse();
  }

  @Override
  public void close() {
    device.close();
  }
}
