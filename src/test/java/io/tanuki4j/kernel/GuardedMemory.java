package io.tanuki4j.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Tensors of tests, each between two runs of guard bytes that no kernel may write. */
public final class GuardedMemory implements AutoCloseable {
  private static final int GUARD_BYTES = 64;
  private static final byte GUARD = (byte) 0xA5;

  private final Device device;
  private final MemoryScope scope;
  private final List<Tensor> guards = new ArrayList<>();

  public GuardedMemory(Device device) {
    this.device = device;
    this.scope = device.openScope("test");
  }

  public Device device() {
    return device;
  }

  public MemoryScope scope() {
    return scope;
  }

  /** A tensor whose contents are NaN, or −1 for integers, as undefined as can be. */
  public Tensor undefined(DType dtype, long... dims) {
    Shape shape = Shape.of(dims);
    int guard = GUARD_BYTES / dtype.bytes();
    int count = Math.toIntExact(shape.numElements());
    Tensor whole = scope.allocate(Shape.of(guard + count + guard), dtype);
    byte[] bytes = new byte[Math.toIntExact(whole.numBytes())];
    Arrays.fill(bytes, GUARD);
    Arrays.fill(bytes, GUARD_BYTES, bytes.length - GUARD_BYTES, (byte) 0xFF);
    device.upload(whole, ByteBuffer.wrap(bytes));
    guards.add(whole.rows(0, guard));
    guards.add(whole.rows(guard + count, whole.dim(0)));
    return whole.rows(guard, guard + count).reshape(shape);
  }

  public Tensor of(DType dtype, double[] values, long... dims) {
    Tensor tensor = undefined(dtype, dims);
    device.upload(tensor, HostValues.encode(values, dtype));
    return tensor;
  }

  public Tensor filled(DType dtype, double value, long... dims) {
    double[] values = new double[Math.toIntExact(Shape.of(dims).numElements())];
    Arrays.fill(values, value);
    return of(dtype, values, dims);
  }

  /** Normal numbers, as the type holds them. */
  public Tensor random(DType dtype, long seed, long... dims) {
    Random random = new Random(seed);
    double[] values = new double[Math.toIntExact(Shape.of(dims).numElements())];
    Arrays.setAll(values, i -> random.nextGaussian());
    return of(dtype, values, dims);
  }

  /** A second tensor with the same contents. */
  public Tensor copyOf(Tensor tensor) {
    return of(tensor.dtype(), values(tensor), tensor.shape().toArray());
  }

  public double[] values(Tensor tensor) {
    ByteBuffer bytes = HostValues.buffer(Math.toIntExact(tensor.numBytes()));
    device.download(bytes, tensor);
    return HostValues.decode(bytes.flip(), tensor.dtype());
  }

  public byte[] bytes(Tensor tensor) {
    byte[] bytes = new byte[Math.toIntExact(tensor.numBytes())];
    device.download(ByteBuffer.wrap(bytes), tensor);
    return bytes;
  }

  private void verifyGuards() {
    for (Tensor guard : guards) {
      byte[] expected = new byte[GUARD_BYTES];
      Arrays.fill(expected, GUARD);
      assertThat(bytes(guard)).as("guard bytes next to a tensor").isEqualTo(expected);
    }
  }

  /** Fails if a kernel wrote beside a tensor. */
  @Override
  public void close() {
    try (scope) {
      verifyGuards();
    }
  }
}
