package io.tanuki4j.megatron;

import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Consecutive elements of a vector, as a matrix.
 *
 * @param offset where they begin in the vector
 */
record Reshaped(Matrix vector, long offset, long rows, long columns) implements Matrix {
  @Override
  public ElementType type() {
    return vector.type();
  }

  @Override
  public void read(long first, ByteBuffer into) throws IOException {
    vector.read(offset + first, into);
  }
}
