package io.tanuki4j.checkpoint.safetensors;

import io.tanuki4j.tensor.Shape;

/**
 * One tensor of a file.
 *
 * @param begin first byte, counted from the start of the data after the header
 */
public record TensorEntry(String name, ElementType type, Shape shape, long begin) {
  /** Makes a tensor to be written; {@link SafetensorsWriter} chooses its position. */
  public TensorEntry(String name, ElementType type, Shape shape) {
    this(name, type, shape, 0);
  }

  TensorEntry at(long position) {
    return new TensorEntry(name, type, shape, position);
  }

  /** Returns the byte after the last. */
  public long end() {
    return begin + numBytes();
  }

  public long numBytes() {
    return type.numBytes(shape);
  }
}
