package io.tanuki4j.backend.cuda;

import java.util.List;
import java.util.stream.Stream;

/** The parts of a CUDA installation in the order in which they have to be loaded. */
public enum CudaComponent {
  DRIVER("NVIDIA driver", true, List.of("libcuda.so.1"), driver()),
  RUNTIME("CUDA runtime", true, cuda("libcudart"), pip("nvidia-cuda-runtime", "-cu12")),
  CUBLAS("cuBLAS", true, cuda("libcublasLt", "libcublas"), pip("nvidia-cublas", "-cu12")),
  NVRTC("NVRTC", true, cuda("libnvrtc"), pip("nvidia-cuda-nvrtc", "-cu12")),
  CUDNN(
      "cuDNN",
      true,
      List.of(
          "libcudnn_graph.so.9",
          "libcudnn_ops.so.9",
          "libcudnn_cnn.so.9",
          "libcudnn_adv.so.9",
          "libcudnn_heuristic.so.9", // opened by name alone: LD_LIBRARY_PATH may lead elsewhere
          "libcudnn_engines_precompiled.so.9",
          "libcudnn_engines_runtime_compiled.so.9",
          "libcudnn.so.9"),
      pip("nvidia-cudnn-cu" + DriverBranch.CUDA_MAJOR, "")),
  NCCL("NCCL", false, List.of("libnccl.so.2"), pip("nvidia-nccl-cu" + DriverBranch.CUDA_MAJOR, ""));

  private final String title;
  private final boolean required;
  private final List<String> files;
  private final String remedy;

  CudaComponent(String title, boolean required, List<String> files, String remedy) {
    this.title = title;
    this.required = required;
    this.files = files;
    this.remedy = remedy;
  }

  private static String driver() {
    String older =
        DriverBranch.CUDA_MAJOR == 12
            ? ""
            : ", or build for CUDA 12 from the sources (mvn -B package -Pcuda12), which runs from branch 525 on";
    return "Install an NVIDIA driver of branch %d or newer%s; start a container with --gpus all"
        .formatted(DriverBranch.OLDEST, older);
  }

  /** Returns the names of libraries of the major version of CUDA that this build calls. */
  private static List<String> cuda(String... libraries) {
    return Stream.of(libraries).map(name -> name + ".so." + DriverBranch.CUDA_MAJOR).toList();
  }

  /**
   * Returns how to install a library with pip.
   *
   * @param suffix of its name for CUDA 12
   */
  private static String pip(String wheel, String suffix) {
    return "Install it (pip install %s%s) or name its folder with --cuda-lib-dir"
        .formatted(wheel, DriverBranch.CUDA_MAJOR == 12 ? suffix : "");
  }

  public String title() {
    return title;
  }

  /** Returns whether a single GPU needs it. */
  public boolean required() {
    return required;
  }

  /** Returns the shared libraries, by soname; all of them lie in one folder. */
  List<String> files() {
    return files;
  }

  /**
   * Returns a pattern of files next to it that it opens by name alone, and so finds only if they
   * are already loaded; empty for none.
   */
  String companions() {
    return this == NVRTC ? "libnvrtc-builtins.so.*" : "";
  }

  /** Returns what a user can do when it is missing. */
  String remedy() {
    return remedy;
  }
}
