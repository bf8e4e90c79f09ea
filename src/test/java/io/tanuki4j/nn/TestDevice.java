package io.tanuki4j.nn;

import io.tanuki4j.backend.cpu.CpuBackend;
import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.Backend;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.LossKernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import java.util.function.Function;

/** A device, with tensors from and to Java arrays. */
public final class TestDevice implements AutoCloseable {
  private final Backend backend;
  private final Device device;
  private final MemoryScope scope;

  /** The CPU. */
  public TestDevice() {
    this(new CpuBackend());
  }

  /** The first device of a backend, which closes with this. */
  public TestDevice(Backend backend) {
    this.backend = backend;
    this.device = backend.openDevice(0);
    this.scope = device.openScope("test");
  }

  public Device device() {
    return device;
  }

  public Kernels kernels() {
    return device.kernels();
  }

  /** Memory until this closes. */
  public MemoryScope scope() {
    return scope;
  }

  public Tensor tensor(DType dtype, Shape shape, double... values) {
    Tensor tensor = scope.allocate(shape, dtype);
    write(tensor, values);
    return tensor;
  }

  public Tensor ints(Shape shape, int... values) {
    return tensor(DType.I32, shape, Arrays.stream(values).asDoubleStream().toArray());
  }

  /** Normal numbers, F64. */
  public Tensor random(Shape shape, long seed) {
    Random random = new Random(seed);
    double[] values = new double[Math.toIntExact(shape.numElements())];
    Arrays.setAll(values, i -> random.nextGaussian());
    return tensor(DType.F64, shape, values);
  }

  /** A parameter of normal numbers, F64, with a gradient of zeros. */
  public Parameter parameter(String name, Shape shape, long seed) {
    Tensor grad = scope.allocate(shape, DType.F64);
    kernels().elementwise().fill(grad, 0);
    return new Parameter(ParameterSpec.whole(name, shape, 1, true), random(shape, seed), grad);
  }

  /** A training micro-batch of random tokens below the vocabulary's size, all of them counted. */
  public Microbatch microbatch(int seqLength, int batchSize, int vocabSize, long seed) {
    Shape shape = Shape.of(seqLength, batchSize);
    double[] ones = new double[seqLength * batchSize];
    Arrays.fill(ones, 1);
    return new Microbatch(
        new Microbatch.Inputs(
            tokens(shape, vocabSize, seed),
            tokens(shape, vocabSize, seed + 1),
            tensor(DType.F32, shape, ones),
            Samples.NONE),
        tensor(DType.F64, Shape.of(LossKernels.NUM_SUMS), new double[LossKernels.NUM_SUMS]),
        tensor(DType.F64, Shape.of(1), 1.0 / ones.length),
        Accumulate.ADD,
        ParameterListener.NONE,
        true,
        scope);
  }

  /** The same micro-batch for an evaluation. */
  public static Microbatch evaluation(Microbatch training) {
    return new Microbatch(
        training.inputs(),
        training.lossSums(),
        training.gradScale(),
        Accumulate.ADD,
        ParameterListener.NONE,
        false,
        training.scope());
  }

  /** The same micro-batch with what else is known of its samples. */
  public static Microbatch withSamples(Microbatch training, Samples samples) {
    return new Microbatch(
        new Microbatch.Inputs(training.tokens(), training.targets(), training.lossMask(), samples),
        training.lossSums(),
        training.gradScale(),
        Accumulate.ADD,
        ParameterListener.NONE,
        true,
        training.scope());
  }

  /** The same micro-batch with somebody who hears of its parameters. */
  public static Microbatch listening(Microbatch training, ParameterListener listener) {
    return new Microbatch(
        training.inputs(),
        training.lossSums(),
        training.gradScale(),
        training.weightGrads(),
        listener,
        true,
        training.scope());
  }

  /** The same micro-batch as the first of an iteration. */
  public static Microbatch beginning(Microbatch training) {
    return new Microbatch(
        training.inputs(),
        training.lossSums(),
        training.gradScale(),
        Accumulate.OVERWRITE,
        ParameterListener.NONE,
        true,
        training.scope());
  }

  private Tensor tokens(Shape shape, int vocabSize, long seed) {
    int count = Math.toIntExact(shape.numElements());
    return ints(shape, new Random(seed).ints(count, 0, vocabSize).toArray());
  }

  public void write(Tensor tensor, double... values) {
    if (values.length != tensor.numElements()) {
      throw new IllegalArgumentException(values.length + " values for " + tensor);
    }
    if (tensor.dtype().isFloat16()) {
      inFp32(
          tensor,
          wide -> {
            write(wide, values);
            kernels().elementwise().copy(tensor, wide);
            return values;
          });
      return;
    }
    ByteBuffer bytes = buffer(tensor);
    for (double value : values) {
      switch (tensor.dtype()) {
        case F64 -> bytes.putDouble(value);
        case F32 -> bytes.putFloat((float) value);
        case I32 -> bytes.putInt((int) value);
        default -> throw new IllegalArgumentException(tensor.toString());
      }
    }
    device.upload(tensor, bytes.flip());
  }

  public double[] read(Tensor tensor) {
    if (tensor.dtype().isFloat16()) {
      return inFp32(
          tensor,
          wide -> {
            kernels().elementwise().copy(wide, tensor);
            return read(wide);
          });
    }
    ByteBuffer bytes = buffer(tensor);
    device.download(bytes, tensor);
    bytes.rewind();
    double[] values = new double[Math.toIntExact(tensor.numElements())];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (tensor.dtype()) {
            case F64 -> bytes.getDouble();
            case F32 -> bytes.getFloat();
            case I32 -> bytes.getInt();
            default -> throw new IllegalArgumentException(tensor.toString());
          };
    }
    return values;
  }

  /** The bytes of a tensor as they are. */
  public byte[] readBytes(Tensor tensor) {
    byte[] bytes = new byte[Math.toIntExact(tensor.numBytes())];
    device.download(ByteBuffer.wrap(bytes), tensor);
    return bytes;
  }

  private double[] inFp32(Tensor tensor, Function<Tensor, double[]> work) {
    try (MemoryScope wide = scope.child("fp32")) {
      return work.apply(wide.allocate(tensor.shape(), DType.F32));
    }
  }

  @Override
  public void close() {
    scope.close();
    device.close();
    backend.close();
  }

  private static ByteBuffer buffer(Tensor tensor) {
    return ByteBuffer.allocateDirect(Math.toIntExact(tensor.numBytes()))
        .order(ByteOrder.LITTLE_ENDIAN);
  }
}
