package io.tanuki4j.backend.cuda;

import static io.tanuki4j.backend.cuda.CudaException.check;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.IntPointer;

/**
 * The parts of CUDA that this machine has, and the reason for each that it lacks. Making a report
 * loads the libraries into the process.
 *
 * @param versions of the libraries that were loaded
 * @param gpus all, usable or not
 * @param problems in the order of the components
 */
public record CudaReport(
    CudaLibraries libraries,
    Map<CudaComponent, String> versions,
    List<CudaGpu> gpus,
    List<CudaProblem> problems) {
  public CudaReport {
    versions = Map.copyOf(versions);
    gpus = List.copyOf(gpus);
    problems = List.copyOf(problems);
  }

  /** Looks at the machine; a missing GPU or library is a problem in the report, not an error. */
  public static CudaReport make(CudaSearchPath path) {
    CudaLibraries libraries = CudaLibraries.find(path);
    List<CudaProblem> problems = new ArrayList<>(DriverBranch.problem().stream().toList());
    problems.addAll(libraries.problems());
    problems.addAll(libraries.load());
    if (hasFatal(problems)) {
      return new CudaReport(libraries, Map.of(), List.of(), problems);
    }
    boolean withNccl = libraries.folders().containsKey(CudaComponent.NCCL);
    CudaVersions versions = CudaVersions.read(withNccl);
    problems.addAll(versions.problems());
    List<CudaGpu> gpus = findGpus(problems);
    return new CudaReport(libraries, versions.texts(), gpus, problems);
  }

  /** Returns whether the backend can be opened. */
  public boolean usable() {
    return !hasFatal(problems);
  }

  /** Returns the GPUs that the backend can use; an index into this list is a device's ordinal. */
  public List<CudaGpu> usableGpus() {
    return gpus.stream().filter(CudaGpu::usable).toList();
  }

  private static boolean hasFatal(List<CudaProblem> problems) {
    return problems.stream().anyMatch(CudaProblem::fatal);
  }

  private static List<CudaGpu> findGpus(List<CudaProblem> problems) {
    List<CudaGpu> gpus;
    try (IntPointer count = new IntPointer(1)) {
      check(cudart.cudaGetDeviceCount(count), "cudaGetDeviceCount");
      gpus = IntStream.range(0, count.get()).mapToObj(CudaGpu::of).toList();
    } catch (CudaException e) {
      problems.add(noGpu(String.valueOf(e.getMessage())));
      return List.of();
    }
    boolean noneUsable = gpus.stream().noneMatch(CudaGpu::usable);
    for (CudaGpu gpu : gpus) {
      if (!gpu.usable()) {
        problems.add(tooOld(gpu, noneUsable));
      }
    }
    if (gpus.isEmpty()) {
      problems.add(noGpu("the driver shows none"));
    }
    return gpus;
  }

  private static CudaProblem noGpu(String reason) {
    return new CudaProblem(
        "GPU", reason, "Check nvidia-smi, CUDA_VISIBLE_DEVICES and the container's --gpus", true);
  }

  private static CudaProblem tooOld(CudaGpu gpu, boolean fatal) {
    return new CudaProblem(
        "GPU %d, %s".formatted(gpu.ordinal(), gpu.name()),
        "compute capability %d.%d (expected: 8.0 or later)".formatted(gpu.major(), gpu.minor()),
        "Use --backend cpu here",
        fatal);
  }
}
