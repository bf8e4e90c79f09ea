package io.tanuki4j.backend.cuda;

import static io.tanuki4j.backend.cuda.CudaException.check;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.SizeTPointer;

/**
 * Breaks a GPU for this process. {@code tools/gpu_sanitize.sh} reports no findings of a tool that
 * does not find its planted fault; tests plant the others next to a run.
 */
public final class PlantedFaults {
  private static final int THREADS = 64;

  /** What no GPU has room for at once, so that nothing else runs until these have ended. */
  private static final int ALL_BLOCKS = 1 << 16;

  private static final int ALL_THREADS = 1024;
  private static final long MEBIBYTE = 1 << 20;

  private PlantedFaults() {}

  /** Launches the kernel {@code planted_TOOL} on the first GPU, and waits for it. */
  public static void main(String[] args) throws Exception {
    launch(0, args[0], 1, THREADS).synchronize();
  }

  /** Ends all of this process's work on a GPU with an error. */
  public static void trap(int gpu) throws IOException {
    CudaStream unused = launch(gpu, "trap", 1, 1);
  }

  /** Keeps all multiprocessors busy for as long as this process lives. */
  public static void occupy(int gpu) throws IOException {
    CudaStream unused = launch(gpu, "spin", ALL_BLOCKS, ALL_THREADS);
  }

  /**
   * Takes memory of a GPU for as long as this process lives.
   *
   * @param afterBytes waits until this process and others have taken as much of what is free now
   * @param leftBytes leaves as much for others
   */
  public static void fill(int gpu, long afterBytes, long leftBytes) throws InterruptedException {
    check(cudart.cudaSetDevice(gpu), "cudaSetDevice");
    long before = free();
    while (before - free() < afterBytes) {
      Thread.sleep(1);
    }
    for (long bytes = free() - leftBytes; bytes >= MEBIBYTE; ) {
      if (cudart.cudaMalloc(new Pointer(), bytes) == cudart.cudaSuccess) {
        bytes = free() - leftBytes;
      } else {
        int unused = cudart.cudaGetLastError();
        bytes = bytes * 7 / 8;
      }
    }
  }

  private static long free() {
    try (SizeTPointer free = new SizeTPointer(1);
        SizeTPointer total = new SizeTPointer(1)) {
      check(cudart.cudaMemGetInfo(free, total), "cudaMemGetInfo");
      return free.get();
    }
  }

  private static CudaStream launch(int index, String fault, int blocks, int threads)
      throws IOException {
    CudaGpu gpu = CudaReport.make(CudaSearchPath.of(null, System.getenv())).usableGpus().get(index);
    check(cudart.cudaSetDevice(gpu.ordinal()), "cudaSetDevice");
    Path folder = Files.createTempDirectory("planted");
    CudaStream stream = new CudaStream();
    CudaMemory memory = new CudaMemory(stream);
    CudaModules modules = new CudaModules(gpu.architecture(), new DiskCache(folder), stream);
    CudaFunction function = modules.function(new Planted(), "planted_" + fault);
    CudaBlock out = memory.take("planted", THREADS * Integer.BYTES);
    CudaBlock unwritten = memory.take("planted", THREADS * Integer.BYTES);
    function.arg(out.address()).arg(unwritten.address()).arg(THREADS).launch(blocks, threads);
    return stream;
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
