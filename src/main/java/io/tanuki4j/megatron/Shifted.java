package io.tanuki4j.megatron;

import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Float16;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A matrix with a number added to each element, in F32. Megatron's norms with {@code
 * --apply-layernorm-1p} keep their weights less 1, which BF16 could not hold once 1 is added.
 */
record Shifted(Matrix matrix, float added) implements Matrix {
  @Override
  public ElementType type() {
    return ElementType.F32;
  }

  @Override
  public long rows() {
    return matrix.rows();
  }

  @Override
  public long columns() {
    return matrix.columns();
  }

  @Override
  public void read(long first, ByteBuffer into) throws IOException {
    int count = into.remaining() / Float.BYTES;
    ByteBuffer bytes =
        ByteBuffer.allocate(count * matrix.elementBytes()).order(ByteOrder.LITTLE_ENDIAN);
    matrix.read(first, bytes);
    bytes.flip();
    for (int i = 0; i < count; i++) {
      into.putFloat(next(bytes) + added);
    }
  }

  private float next(ByteBuffer bytes) {
    return switch (matrix.type()) {
      case F64 -> (float) bytes.getDouble();
      case F32 -> bytes.getFloat();
      case BF16 -> Float16.toFloat(bytes.getShort(), DType.BF16);
      case F16 -> Float16.toFloat(bytes.getShort(), DType.F16);
      default ->
          throw new IllegalArgumentException("norm weights of type %s".formatted(matrix.type()));
    };
  }
}
