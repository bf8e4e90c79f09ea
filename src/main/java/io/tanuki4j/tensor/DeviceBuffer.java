package io.tanuki4j.tensor;

/** A block of memory of some device. Opaque: only the backend that made it looks inside. */
public interface DeviceBuffer {
  long bytes();
}
