package io.tanuki4j.checkpoint;

import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.DeviceInfo;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.DeviceBuffer;
import io.tanuki4j.tensor.Float16;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Memory without arithmetic: each tensor is a heap buffer. */
public final class HostDevice implements Device {

  /** A tensor of these floats, rounded to the type. */
  public Tensor tensor(Shape shape, DType dtype, float... values) {
    Tensor tensor = zeros(shape, dtype);
    write(tensor, values);
    return tensor;
  }

  /** Overwrites a tensor. */
  public void write(Tensor tensor, float... values) {
    ByteBuffer bytes = bytesOf(tensor);
    for (float value : values) {
      switch (tensor.dtype()) {
        case F64 -> bytes.putDouble(value);
        case F32 -> bytes.putFloat(value);
        case BF16, F16 -> bytes.putShort(Float16.fromFloat(value, tensor.dtype()));
        case I32 -> bytes.putInt((int) value);
        case I64 -> bytes.putLong((long) value);
      }
    }
  }

  public Tensor zeros(Shape shape, DType dtype) {
    return new Tensor(
        shape, dtype, new Memory(new byte[(int) shape.numElements() * dtype.bytes()]), 0);
  }

  /** The elements 0, 1, 2 … plus a constant. */
  public Tensor counting(Shape shape, DType dtype, float from) {
    float[] values = new float[(int) shape.numElements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = from + i;
    }
    return tensor(shape, dtype, values);
  }

  public double[] values(Tensor tensor) {
    ByteBuffer bytes = bytesOf(tensor);
    double[] values = new double[(int) tensor.numElements()];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (tensor.dtype()) {
            case F8_E4M3, F8_E5M2 -> throw new IllegalArgumentException(tensor.toString());
            case F64 -> bytes.getDouble();
            case F32 -> bytes.getFloat();
            case BF16, F16 -> Float16.toFloat(bytes.getShort(), tensor.dtype());
            case I32 -> bytes.getInt();
            case I64 -> bytes.getLong();
          };
    }
    return values;
  }

  private static ByteBuffer bytesOf(Tensor tensor) {
    return ByteBuffer.wrap(
            ((Memory) tensor.buffer()).content, (int) tensor.byteOffset(), (int) tensor.numBytes())
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public void upload(Tensor destination, ByteBuffer source) {
    requireSize(destination, source);
    bytesOf(destination).put(source);
  }

  @Override
  public void download(ByteBuffer destination, Tensor source) {
    requireSize(source, destination);
    destination.put(bytesOf(source));
  }

  private static void requireSize(Tensor tensor, ByteBuffer buffer) {
    if (tensor.numBytes() != buffer.remaining()) {
      throw new IllegalArgumentException("%d bytes for %s".formatted(buffer.remaining(), tensor));
    }
  }

  @Override
  public DeviceInfo info() {
    return new DeviceInfo("host", 0);
  }

  @Override
  public Kernels kernels() {
    throw new UnsupportedOperationException("only holds and copies memory");
  }

  @Override
  public MemoryScope openScope(String label) {
    return new HeapScope();
  }

  @Override
  public void synchronize() {}

  @Override
  public long bytesInUse() {
    return 0;
  }

  @Override
  public void close() {}

  /** Leaves everything to the garbage collector. */
  private final class HeapScope implements MemoryScope {
    @Override
    public Tensor allocate(Shape shape, DType dtype) {
      return zeros(shape, dtype);
    }

    @Override
    public MemoryScope child(String label) {
      return new HeapScope();
    }

    @Override
    public long bytesInUse() {
      return 0;
    }

    @Override
    public void close() {}
  }

  private static final class Memory implements DeviceBuffer {
    private final byte[] content;

    Memory(byte[] content) {
      this.content = content;
    }

    @Override
    public long bytes() {
      return content.length;
    }
  }
}
