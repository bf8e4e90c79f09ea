package io.tanuki4j.backend.cuda;

import java.util.List;

/** The parts of a CUDA installation in the order in which they have to be loaded. */
public enum CudaComponent {
  DRIVER(
      "NVIDIA driver",
      true,
      List.of("libcuda.so.1"),
      "Install an NVIDIA driver of branch 580 or newer; start a container with --gpus all"),
  RUNTIME("CUDA runtime", true, List.of("libcudart.so.13"), pip("nvidia-cuda-runtime")),
  CUBLAS("cuBLAS", true, List.of("libcublasLt.so.13", "libcublas.so.13"), pip("nvidia-cublas")),
  NVRTC("NVRTC", true, List.of("libnvrtc.so.13"), pip("nvidia-cuda-nvrtc")),
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
      pip("nvidia-cudnn-cu13")),
  NCCL("NCCL", false, List.of("libnccl.so.2"), pip("nvidia-nccl-cu13"));

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

  private static String pip(String wheel) {
    return "Install it (pip install %s) or name its folder with --cuda-lib-dir".formatted(wheel);
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
