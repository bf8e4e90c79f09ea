package io.tanuki4j.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CudaLibrariesTest {
  @TempDir Path folder;

  @Test
  void a_named_folder_comes_before_the_environments() throws IOException {
    Path named = Files.createDirectories(folder.resolve("named"));
    Path environment = Files.createDirectories(folder.resolve("environment"));
    CudaSearchPath path =
        CudaSearchPath.of(
            named.toString(), Map.of(CudaSearchPath.ENVIRONMENT_VARIABLE, environment.toString()));

    assertThat(path.folders()).startsWith(named, environment);
  }

  @Test
  void finds_pips_packages_next_to_a_python_on_the_path() throws IOException {
    Files.createDirectories(folder.resolve("bin"));
    Files.createFile(folder.resolve("bin/python3"));
    Path libraries =
        Files.createDirectories(folder.resolve("lib/python3.12/site-packages/nvidia/cudnn/lib"));
    CudaSearchPath path = CudaSearchPath.of(null, Map.of("PATH", folder.resolve("bin").toString()));

    assertThat(path.folders()).contains(libraries);
  }

  @Test
  void takes_the_first_folder_with_all_files_of_a_component() throws IOException {
    Path partial = Files.createDirectories(folder.resolve("partial"));
    Path whole = Files.createDirectories(folder.resolve("whole"));
    Files.createFile(partial.resolve("libcublas.so." + DriverBranch.CUDA_MAJOR));
    Files.createFile(whole.resolve("libcublas.so." + DriverBranch.CUDA_MAJOR));
    Files.createFile(whole.resolve("libcublasLt.so." + DriverBranch.CUDA_MAJOR));
    CudaLibraries libraries =
        CudaLibraries.find(CudaSearchPath.of(partial + ":" + whole, Map.of()));

    assertThat(libraries.folders()).containsEntry(CudaComponent.CUBLAS, whole);
  }

  @Test
  void says_what_is_missing_and_what_to_do() {
    CudaProblem problem = CudaProblem.of(CudaComponent.CUDNN, "libcudnn.so.9 not found");

    assertThat(problem.fatal()).isTrue();
    assertThat(problem)
        .hasToString(
            "cuDNN: libcudnn.so.9 not found. Install it (pip install nvidia-cudnn-cu%d) or name its folder with --cuda-lib-dir."
                .formatted(DriverBranch.CUDA_MAJOR));
  }

  @Test
  void several_gpus_need_what_one_does_not() {
    assertThat(CudaProblem.of(CudaComponent.NCCL, "libnccl.so.2 not found").fatal()).isFalse();
  }

  @Test
  void reports_what_the_linker_refuses() {
    CudaLibraries libraries =
        new CudaLibraries(Map.of(CudaComponent.DRIVER, folder.toAbsolutePath()), List.of());

    assertThat(libraries.load())
        .singleElement()
        .satisfies(
            problem -> {
              assertThat(problem.subject()).isEqualTo("NVIDIA driver");
              assertThat(problem.reason()).startsWith("cannot load libcuda.so.1: ");
            });
  }
}
