package io.tanuki4j.megatron;

import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * A tensor of one or two dims in a storage of a file, with any strides.
 *
 * @param bytes of the storage
 */
record StoredMatrix(TorchTensor tensor, FileSlice bytes) implements Matrix {

  @Override
  public ElementType type() {
    return tensor.type().element();
  }

  @Override
  public long rows() {
    return tensor.sizes().isEmpty() ? 1 : tensor.sizes().get(0);
  }

  @Override
  public long columns() {
    return tensor.sizes().size() < 2 ? 1 : tensor.sizes().get(1);
  }

  private long rowStride() {
    return tensor.strides().isEmpty() ? 1 : tensor.strides().get(0);
  }

  private long columnStride() {
    return tensor.strides().size() < 2 ? 1 : tensor.strides().get(1);
  }

  /** Returns whether elements that are adjacent in rows are adjacent in the file. */
  private boolean isContiguous() {
    return columnStride() == 1 && (rowStride() == columns() || rows() == 1);
  }

  @Override
  public void read(long first, ByteBuffer into) throws IOException {
    int elementBytes = elementBytes();
    if (isContiguous()) {
      bytes.read((tensor.offset() + first) * elementBytes, into);
      return;
    }
    int end = into.limit();
    for (long element = first; into.position() < end; element++) {
      long place = element / columns() * rowStride() + element % columns() * columnStride();
      into.limit(into.position() + elementBytes);
      bytes.read((tensor.offset() + place) * elementBytes, into);
      into.limit(end);
    }
  }
}
