package io.tanuki4j.cli;

import io.tanuki4j.backend.cpu.CpuBackend;
import io.tanuki4j.backend.cuda.CudaGpu;
import io.tanuki4j.backend.cuda.CudaOptions;
import io.tanuki4j.backend.cuda.CudaReport;
import io.tanuki4j.backend.cuda.CudaSearchPath;
import io.tanuki4j.backend.nd4j.Nd4jLibrary;
import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.MatmulKernels.Op;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Reports what this machine can train on, and for each "no" the reason and what to do. */
@Command(
    name = "doctor",
    description = "Says what this machine can run, and for each \"no\" the reason and the fix.")
final class DoctorCommand implements Callable<Integer> {
  private static final int PROBE_SIZE = 1024;

  @Option(names = "--cuda-lib-dir", paramLabel = "DIR", description = "Where CUDA's libraries are.")
  @Nullable String cudaLibDir;

  @Spec CommandSpec spec;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    Runtime runtime = Runtime.getRuntime();
    line(out, "java", "%s, %s".formatted(Runtime.version(), System.getProperty("java.vm.name")));
    line(
        out,
        "machine",
        "%s, %d cores".formatted(System.getProperty("os.arch"), runtime.availableProcessors()));
    line(out, "heap", gib(runtime.maxMemory()) + " (TANUKI4J_HEAP)");
    line(out, "vector module", vectorModule());
    cpu(out);
    nd4j(out);
    cuda(out, CudaReport.make(CudaSearchPath.of(cudaLibDir, System.getenv())));
    caches(out);
    out.flush();
    return 0;
  }

  private static String vectorModule() {
    return ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent()
        ? "yes"
        : "no: start with --add-modules jdk.incubator.vector, as scripts/tanuki4j does";
  }

  private static void cpu(PrintWriter out) {
    try (CpuBackend backend = new CpuBackend();
        Device device = backend.openDevice(0);
        MemoryScope scope = device.openScope("doctor")) {
      line(
          out,
          "backend cpu",
          "yes: %s, %s of memory, %.0f GFLOP/s in a product of %d × %d matrices"
              .formatted(
                  device.info().name(),
                  gib(device.info().memoryBytes()),
                  gigaflops(device, scope),
                  PROBE_SIZE,
                  PROBE_SIZE));
    }
  }

  /**
   * Returns the speed of the second of two products. The first one loads code and touches memory.
   */
  private static double gigaflops(Device device, MemoryScope scope) {
    Shape shape = Shape.of(PROBE_SIZE, PROBE_SIZE);
    Tensor a = scope.allocate(shape, DType.F32);
    Tensor out = scope.allocate(shape, DType.F32);
    device.kernels().elementwise().fill(a, 0.5);
    long nanos = 0;
    for (int i = 0; i < 2; i++) {
      long start = System.nanoTime();
      device.kernels().matmul().matmul(out, a, Op.NONE, a, Op.NONE, Accumulate.OVERWRITE);
      device.synchronize();
      nanos = System.nanoTime() - start;
    }
    return 2.0 * PROBE_SIZE * PROBE_SIZE * PROBE_SIZE / nanos;
  }

  private static void nd4j(PrintWriter out) {
    line(out, "backend nd4j", Nd4jLibrary.obstacle().map(why -> "no: " + why).orElse("yes"));
    line(
        out,
        "  on a GPU",
        "only by nd4j-cuda-11.6: compute capability 3.7 to 8.6 (not Hopper), CUDA 11.6, no backend cuda"
            + " in the same process; it has not been run on a card yet");
  }

  private static void cuda(PrintWriter out, CudaReport report) {
    line(out, "backend cuda", report.usable() ? "yes" : "no, see below");
    report.versions().forEach((component, version) -> line(out, "  " + component.title(), version));
    for (CudaGpu gpu : report.gpus()) {
      line(
          out,
          "  GPU " + gpu.ordinal(),
          "%s, compute capability %d.%d, %s"
              .formatted(gpu.name(), gpu.major(), gpu.minor(), gib(gpu.memoryBytes())));
    }
    report.problems().forEach(problem -> out.println("  " + problem));
  }

  private static void caches(PrintWriter out) {
    line(
        out,
        "caches",
        "%s=DIR moves them; what is deleted comes back".formatted(CudaOptions.CACHE_VARIABLE));
    Caches.folders(System.getenv())
        .forEach(
            (what, folder) ->
                out.printf("  %s: %s, %d MB%n", folder, what, Caches.bytes(folder) / 1_000_000));
  }

  private static void line(PrintWriter out, String what, String value) {
    out.printf("%-18s %s%n", what, value);
  }

  private static String gib(long bytes) {
    return "%.1f GiB".formatted(bytes / (double) (1L << 30));
  }
}
