package io.tanuki4j.benchmark;

import io.tanuki4j.backend.nd4j.Nd4jBackend;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import java.util.Arrays;
import java.util.List;

/**
 * Times every operation of a training step on the CPU, at the shapes of the quickstart and of the
 * debug run. {@code tools/bench/torch_kernels.py} prints the same table for PyTorch.
 *
 * <p>Arguments: the number of threads, then {@code quickstart} or {@code debug}, then optionally a
 * part of the name of the operations to time.
 */
public final class KernelBenchmark {
  private static final double WARM_UP_SECONDS = 0.5;
  private static final double TIMED_SECONDS = 1.0;

  private KernelBenchmark() {}

  public static void main(String[] args) {
    int numThreads = Integer.parseInt(args[0]);
    BenchmarkShape shape = BenchmarkShape.named(args[1]);
    String filter = args.length > 2 ? args[2] : "";
    System.out.printf("%s, %d threads%n", shape, numThreads);
    System.out.printf("%-28s %9s %9s %10s%n", "operation", "best ms", "median", "rate");
    try (Nd4jBackend backend = new Nd4jBackend(numThreads);
        Device device = backend.openDevice(0);
        MemoryScope scope = device.openScope("benchmark")) {
      List<Operation> operations = new KernelOperations(device, scope, shape, DType.F32).all();
      operations.stream()
          .filter(operation -> operation.name().contains(filter))
          .forEach(KernelBenchmark::time);
    }
  }

  /**
   * An operation to time.
   *
   * @param work floating-point operations or bytes of one run
   * @param unit {@code GFLOP/s} or {@code GB/s}
   */
  record Operation(String name, double work, String unit, Runnable run) {}

  private static void time(Operation operation) {
    runFor(operation.run(), WARM_UP_SECONDS);
    double[] seconds = runFor(operation.run(), TIMED_SECONDS);
    Arrays.sort(seconds);
    System.out.printf(
        "%-28s %9.3f %9.3f %10.1f %s%n",
        operation.name(),
        seconds[0] * 1e3,
        seconds[seconds.length / 2] * 1e3,
        operation.work() / seconds[0] / 1e9,
        operation.unit());
  }

  /** Times of the runs that fit into this many seconds, three at least. */
  private static double[] runFor(Runnable work, double seconds) {
    double[] times = new double[100_000];
    double total = 0;
    int count = 0;
    while (count < times.length && (count < 3 || total < seconds)) {
      long start = System.nanoTime();
      work.run();
      times[count] = (System.nanoTime() - start) / 1e9;
      total += times[count++];
    }
    return Arrays.copyOf(times, count);
  }
}
