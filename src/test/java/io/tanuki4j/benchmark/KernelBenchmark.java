package io.tanuki4j.benchmark;

import io.tanuki4j.backend.cpu.CpuBackend;
import io.tanuki4j.backend.cuda.CudaBackend;
import io.tanuki4j.backend.cuda.CudaOptions;
import io.tanuki4j.backend.cuda.CudaReport;
import io.tanuki4j.backend.cuda.CudaSearchPath;
import io.tanuki4j.benchmark.Operation.Unit;
import io.tanuki4j.kernel.Backend;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.DeviceTimer;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Times every operation of a training step at the shapes of a model, each beside a copy's bandwidth
 * or the device's peak rate.
 *
 * <p>Arguments: {@code cuda} (in BF16) or the number of the CPU's threads (in F32); {@code
 * quickstart}, {@code debug} or {@code 8b}; then optionally a part of the name of the operations to
 * time. On a GPU the clock is the GPU's own, so that an operation shorter than its launch (5 to 10
 * µs) is timed with gaps.
 */
public final class KernelBenchmark {
  private static final int MIN_RUNS = 10;
  private static final int MAX_RUNS = 200;
  private static final int MAX_TURNS = 32;
  private static final double TIMED_MILLIS = 300;

  private final Device device;
  private final Limits limits;

  /**
   * What differs between devices.
   *
   * @param copyBytes of the copy whose bandwidth is the yardstick, beyond what caches hold
   * @param rotatedBytes operations work on that much in turns, so that a cache has forgotten a
   *     run's tensors at the next; 0 for the same ones each time
   * @param warmUpMillis long enough for Java's compiler on the CPU
   */
  private record Limits(DType dtype, long copyBytes, long rotatedBytes, long warmUpMillis) {
    static final Limits CPU = new Limits(DType.F32, 256L << 20, 0, 1000);
    static final Limits GPU = new Limits(DType.BF16, 1L << 30, 1L << 29, 20);
  }

  private KernelBenchmark(Device device, Limits limits) {
    this.device = device;
    this.limits = limits;
  }

  public static void main(String[] args) {
    boolean cuda = args[0].equals("cuda");
    BenchmarkShape shape = BenchmarkShape.named(args[1]);
    String filter = args.length > 2 ? args[2] : "";
    boolean allRan;
    try (Backend backend = cuda ? openCuda() : new CpuBackend(Integer.parseInt(args[0]));
        Device device = backend.openDevice(0)) {
      allRan = new KernelBenchmark(device, cuda ? Limits.GPU : Limits.CPU).run(shape, filter);
    }
    System.exit(allRan ? 0 : 1);
  }

  private static Backend openCuda() {
    CudaReport report = CudaReport.make(CudaSearchPath.of(null, System.getenv()));
    return new CudaBackend(report, CudaOptions.defaults(System.getenv()));
  }

  private boolean run(BenchmarkShape shape, String filter) {
    System.out.printf("%s, %s%n%s%n", device.info().name(), limits.dtype(), shape);
    System.out.printf("%-56s %9s %9s%n", "operation", "median ms", "best ms");
    Operation copy = FlatOperations.copy(limits.copyBytes());
    double copyRate = copy.work() / print(copy, 0);
    boolean allRan = true;
    for (Operation operation : operations(shape, limits.dtype())) {
      if (operation.name().contains(filter)) {
        allRan &= tryPrint(operation, copyRate);
      }
    }
    return allRan;
  }

  static List<Operation> operations(BenchmarkShape shape, DType dtype) {
    List<Operation> operations = new ArrayList<>();
    operations.addAll(new RowOperations(shape, dtype).all());
    operations.addAll(new VocabularyOperations(shape, dtype).all());
    operations.addAll(new FlatOperations(shape, dtype).all());
    operations.addAll(new ProductOperations(shape, dtype).all());
    operations.addAll(new AttentionOperations(shape, dtype).all());
    operations.addAll(new DocumentOperations(shape, dtype).all());
    if (dtype == DType.BF16) {
      operations.addAll(new Fp8Operations(shape).all());
    }
    return operations;
  }

  /** One that fails, for example for want of memory, leaves the others their turn. */
  private boolean tryPrint(Operation operation, double copyRate) {
    try {
      print(operation, copyRate);
      return true;
    } catch (RuntimeException e) {
      System.out.printf("%-56s failed: %s%n", operation.name(), e.getMessage());
      return false;
    }
  }

  /** The median in milliseconds. */
  private double print(Operation operation, double copyRate) {
    double[] millis = measure(operation);
    Arrays.sort(millis);
    double median = millis[millis.length / 2];
    System.out.printf(
        "%-56s %9.4f %9.4f %s%n",
        operation.name(), median, millis[0], rate(operation, median, copyRate));
    return median;
  }

  private String rate(Operation operation, double millis, double copyRate) {
    double perMilli = operation.work() / millis;
    if (operation.unit() == Unit.BYTES) {
      double share = copyRate == 0 ? 100 : 100 * perMilli / copyRate;
      return "%9.1f GB/s    %5.1f %% of the copy".formatted(perMilli / 1e6, share);
    }
    double peak = device.info().peakFlops();
    String share = peak == 0 ? "" : " %5.1f %% of the peak".formatted(1e5 * perMilli / peak);
    return "%9.2f TFLOP/s%s".formatted(perMilli / 1e9, share);
  }

  private double[] measure(Operation operation) {
    try (MemoryScope scope = device.openScope("benchmark");
        DeviceTimer timer = device.openTimer(MAX_RUNS + 1)) {
      BenchmarkTensors tensors = new BenchmarkTensors(device, scope);
      List<Runnable> turns = new ArrayList<>();
      for (int i = 0; i < numTurns(operation); i++) {
        turns.add(operation.prepare().apply(tensors));
      }
      warmUp(turns);
      double once = time(timer, turns, turns.size())[0];
      int runs = (int) Math.max(MIN_RUNS, Math.min(MAX_RUNS, TIMED_MILLIS / once));
      return time(timer, turns, runs);
    }
  }

  /** The first run compiles kernels, chooses algorithms and takes work space. */
  private void warmUp(List<Runnable> turns) {
    long start = System.nanoTime();
    do {
      turns.forEach(Runnable::run);
      device.synchronize();
    } while (System.nanoTime() - start < limits.warmUpMillis() * 1_000_000L);
  }

  private int numTurns(Operation operation) {
    if (operation.unit() == Unit.FLOPS) {
      return 1;
    }
    double turns = Math.ceil(limits.rotatedBytes() / operation.work());
    return (int) Math.max(1, Math.min(MAX_TURNS, turns));
  }

  private static double[] time(DeviceTimer timer, List<Runnable> turns, int runs) {
    for (int i = 0; i < runs; i++) {
      timer.mark(i);
      turns.get(i % turns.size()).run();
    }
    timer.mark(runs);
    double[] millis = new double[runs];
    for (int i = 0; i < runs; i++) {
      millis[i] = timer.millisBetween(i, i + 1);
    }
    return millis;
  }
}
