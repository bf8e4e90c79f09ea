package io.tanuki4j.backend.cuda;

import static io.tanuki4j.backend.cuda.CudaException.check;
import static io.tanuki4j.backend.cuda.CudaException.checkNvrtc;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.cuda.global.cublas;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.cuda.global.cudnn;
import org.bytedeco.cuda.global.nccl;
import org.bytedeco.cuda.global.nvrtc;
import org.bytedeco.javacpp.IntPointer;

/** The versions of loaded libraries, and those that must not be used. */
final class CudaVersions {
  private static final int MIN_CUDA = DriverBranch.CUDA_MAJOR * 1000;
  private static final int MIN_CUDNN = 9_10_02;

  private final Map<CudaComponent, String> texts = new EnumMap<>(CudaComponent.class);
  private final List<CudaProblem> problems = new ArrayList<>();

  /** Asks every library for its version; all required ones have been loaded. */
  static CudaVersions read(boolean withNccl) {
    CudaVersions versions = new CudaVersions();
    versions.readCuda();
    versions.texts.put(CudaComponent.CUBLAS, hundreds(cublas.cublasLtGetVersion()));
    versions.texts.put(CudaComponent.NVRTC, nvrtcVersion());
    versions.readCudnn();
    if (withNccl) {
      versions.texts.put(CudaComponent.NCCL, ncclVersion());
    }
    return versions;
  }

  Map<CudaComponent, String> texts() {
    return texts;
  }

  List<CudaProblem> problems() {
    return problems;
  }

  private void readCuda() {
    try (IntPointer driver = new IntPointer(1);
        IntPointer runtime = new IntPointer(1)) {
      check(cudart.cudaDriverGetVersion(driver), "cudaDriverGetVersion");
      check(cudart.cudaRuntimeGetVersion(runtime), "cudaRuntimeGetVersion");
      texts.put(CudaComponent.DRIVER, "for CUDA " + thousands(driver.get()));
      texts.put(CudaComponent.RUNTIME, thousands(runtime.get()));
      if (driver.get() < MIN_CUDA) {
        problems.add(
            CudaProblem.of(
                CudaComponent.DRIVER,
                "it supports CUDA up to %s (expected: %s or later)"
                    .formatted(thousands(driver.get()), thousands(MIN_CUDA))));
      }
    }
  }

  /**
   * Reads cuDNN's version. 9.10.0 and 9.10.1 compute wrong attention; before that the mask needs
   * another value.
   */
  private void readCudnn() {
    int version = Math.toIntExact(cudnn.cudnnGetVersion());
    texts.put(CudaComponent.CUDNN, hundreds(version));
    if (version < MIN_CUDNN) {
      problems.add(
          CudaProblem.of(
              CudaComponent.CUDNN,
              "version %s (expected: 9.10.2 or later; earlier ones give wrong attention)"
                  .formatted(hundreds(version))));
    }
  }

  private static String nvrtcVersion() {
    try (IntPointer major = new IntPointer(1);
        IntPointer minor = new IntPointer(1)) {
      checkNvrtc(nvrtc.nvrtcVersion(major, minor), "nvrtcVersion");
      return major.get() + "." + minor.get();
    }
  }

  private static String ncclVersion() {
    try (IntPointer version = new IntPointer(1)) {
      int status = nccl.ncclGetVersion(version);
      if (status != nccl.ncclSuccess) {
        throw new CudaException(
            "ncclGetVersion", status, nccl.ncclGetErrorString(status).getString());
      }
      return hundreds(version.get());
    }
  }

  private static String thousands(int version) {
    return version / 1000 + "." + version % 1000 / 10;
  }

  private static String hundreds(long version) {
    return "%d.%d.%d".formatted(version / 10_000, version / 100 % 100, version % 100);
  }
}
