package io.tanuki4j.kernel.profile;

import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.DeviceTimer;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MatmulKernels.Op;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.Arrays;

/**
 * The measured speed of a device.
 *
 * @param flops floating-point operations per second in a large product of square matrices
 * @param bytesPerSecond read and written by a large copy
 */
public record DeviceRates(double flops, double bytesPerSecond) {
  private static final int SMALLEST_SIZE = 512;
  private static final int LARGEST_SIZE = 8192;

  /** Products are made larger until one takes this long. */
  private static final double ENOUGH_MILLIS = 20;

  /** Long enough for a GPU's clock to settle under the load. */
  private static final double MEASURED_MILLIS = 300;

  private static final int MIN_RUNS = 5;
  private static final int MAX_RUNS = 200;

  /** F32 elements; larger than caches. */
  private static final Shape COPIED = Shape.of(64 << 20);

  private static final double MILLIS_PER_SECOND = 1e3;

  /**
   * Measures the medians of many runs, on random numbers: GPUs are faster on constant ones.
   *
   * @param type of the matrices
   */
  public static DeviceRates measure(Device device, DType type) {
    return new DeviceRates(measureFlops(device, type), measureBytes(device));
  }

  /**
   * Measures products only.
   *
   * @return floating-point operations per second
   */
  public static double measureFlops(Device device, DType type) {
    int size = SMALLEST_SIZE;
    while (size < LARGEST_SIZE && productMillis(device, type, size, 1) < ENOUGH_MILLIS) {
      size *= 2;
    }
    double millis = productMillis(device, type, size, MEASURED_MILLIS);
    return 2.0 * size * size * size / millis * MILLIS_PER_SECOND;
  }

  private static double productMillis(Device device, DType type, int size, double measuredMillis) {
    Kernels kernels = device.kernels();
    Shape shape = Shape.of(size, size);
    try (MemoryScope scope = device.openScope("rate of products")) {
      Tensor a = scope.allocate(shape, type);
      Tensor b = scope.allocate(shape, type);
      Tensor out = scope.allocate(shape, type);
      kernels.random().fillNormal(a, 1, 0, 0, size, 1);
      kernels.random().fillNormal(b, 2, 0, 0, size, 1);
      return medianMillis(
          device,
          measuredMillis,
          () -> kernels.matmul().matmul(out, a, Op.NONE, b, Op.TRANSPOSE, Accumulate.OVERWRITE));
    }
  }

  private static double measureBytes(Device device) {
    try (MemoryScope scope = device.openScope("rate of copies")) {
      Tensor in = scope.allocate(COPIED, DType.F32);
      Tensor out = scope.allocate(COPIED, DType.F32);
      device.kernels().elementwise().fill(in, 1);
      double millis =
          medianMillis(device, MEASURED_MILLIS, () -> device.kernels().elementwise().copy(out, in));
      return (in.numBytes() + out.numBytes()) / millis * MILLIS_PER_SECOND;
    }
  }

  private static double medianMillis(Device device, double measuredMillis, Runnable work) {
    work.run(); // loads code, chooses algorithms, touches memory
    try (DeviceTimer timer = device.openTimer(MAX_RUNS + 1)) {
      timer.mark(0);
      work.run();
      timer.mark(1);
      double once = Math.max(timer.millisBetween(0, 1), measuredMillis / MAX_RUNS);
      int runs = Math.max(MIN_RUNS, (int) (measuredMillis / once));
      timer.mark(0);
      for (int i = 1; i <= runs; i++) {
        work.run();
        timer.mark(i);
      }
      double[] millis = new double[runs];
      Arrays.setAll(millis, i -> timer.millisBetween(i, i + 1));
      Arrays.sort(millis);
      return millis[runs / 2];
    }
  }
}
