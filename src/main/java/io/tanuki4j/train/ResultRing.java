package io.tanuki4j.train;

import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.LossKernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Loss sums and gradient norms of the last iterations, on the device until the log asks for them:
 * reading them in every iteration would make the host wait for the device.
 */
final class ResultRing {
  /** Iterations between two readings at most. */
  static final int CAPACITY = 256;

  private static final int NORM = LossKernels.NUM_SUMS;
  private static final int WIDTH = LossKernels.NUM_SUMS + 1;

  private final Device device;
  private final Tensor rows;
  private final Tensor current;
  private final Tensor lossSums;
  private final Tensor norm;
  private final double[] numTokens = new double[CAPACITY];
  private final double[] lossScales = new double[CAPACITY];
  private final ByteBuffer host =
      ByteBuffer.allocateDirect(CAPACITY * WIDTH * Double.BYTES).order(ByteOrder.LITTLE_ENDIAN);
  private int size;

  ResultRing(Device device, MemoryScope scope) {
    this.device = device;
    this.rows = scope.allocate(Shape.of(CAPACITY, WIDTH), DType.F64);
    this.current = scope.allocate(Shape.of(WIDTH), DType.F64);
    this.lossSums = current.rows(0, NORM);
    this.norm = current.rows(NORM, WIDTH);
  }

  /** Zeroes the current iteration's values. */
  void begin() {
    device.kernels().elementwise().fill(current, 0);
  }

  /**
   * Returns the current iteration's sums, {@code [LossKernels.NUM_SUMS]}; at the same address each
   * time.
   */
  Tensor lossSums() {
    return lossSums;
  }

  /** Returns the current iteration's norm, {@code [1]}. */
  Tensor norm() {
    return norm;
  }

  /** Returns whether the current iteration's norm is finite. Waits for the device. */
  boolean isNormFinite() {
    host.clear().limit(Double.BYTES);
    device.download(host, norm);
    return Double.isFinite(host.getDouble(0));
  }

  /**
   * Keeps the current iteration's values.
   *
   * @param tokens that its loss is a sum over
   * @param lossScale of the next iteration
   */
  void end(double tokens, double lossScale) {
    device.kernels().elementwise().copy(rows.rows(size, size + 1), current);
    numTokens[size] = tokens;
    lossScales[size] = lossScale;
    size++;
  }

  boolean isFull() {
    return size == CAPACITY;
  }

  /** Returns the results since the last call, oldest first. Waits for the device. */
  List<StepResult> drain() {
    if (size == 0) {
      return List.of();
    }
    List<StepResult> results = new ArrayList<>(size);
    host.clear().limit(size * WIDTH * Double.BYTES);
    device.download(host, rows.rows(0, size));
    for (int i = 0; i < size; i++) {
      results.add(
          new StepResult(
              new Loss(
                  value(i, LossKernels.CROSS_ENTROPY) / numTokens[i],
                  value(i, LossKernels.Z_LOSS) / numTokens[i]),
              value(i, NORM),
              lossScales[i]));
    }
    size = 0;
    return results;
  }

  private double value(int row, int column) {
    return host.getDouble((row * WIDTH + column) * Double.BYTES);
  }
}
