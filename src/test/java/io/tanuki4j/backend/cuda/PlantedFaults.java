package io.tanuki4j.backend.cuda;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Runs a kernel with a fault. {@code tools/gpu_sanitize.sh} reports no findings of a tool that does
 * not find its planted fault.
 */
final class PlantedFaults {
  private static final int THREADS = 64;

  private PlantedFaults() {}

  /** Launches the kernel {@code planted_TOOL} on the first GPU. */
  public static void main(String[] args) throws Exception {
    CudaGpu gpu = CudaReport.make(CudaSearchPath.of(null, System.getenv())).usableGpus().get(0);
    Path folder = Files.createTempDirectory("planted");
    CudaStream stream = new CudaStream();
    CudaMemory memory = new CudaMemory(stream);
    CudaModules modules = new CudaModules(gpu.architecture(), new DiskCache(folder), stream);
    CudaFunction function = modules.function(new Planted(), "planted_" + args[0]);
    CudaBlock out = memory.take("planted", THREADS * Integer.BYTES);
    CudaBlock unwritten = memory.take("planted", THREADS * Integer.BYTES);
    function.arg(out.address()).arg(unwritten.address()).arg(THREADS).launch(1, THREADS);
    stream.synchronize();
  }

  /** The faults' source is a resource of the tests. */
  record Planted() implements KernelVariant {
    @Override
    public String family() {
      return "planted";
    }

    @Override
    public List<String> options() {
      return List.of();
    }
  }
}
