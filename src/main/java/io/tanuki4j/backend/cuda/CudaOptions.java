package io.tanuki4j.backend.cuda;

import java.nio.file.Path;

/**
 * The backend's options.
 *
 * @param cacheFolder compiled kernels and chosen algorithms, kept for the next start
 * @param deterministicAttention sums attention's dQ in a fixed order; its workspace then grows with
 *     the square of the sequence
 */
public record CudaOptions(Path cacheFolder, boolean deterministicAttention) {
  /** Returns {@code ~/.cache/tanuki4j/cuda} as the folder, and attention at its fastest. */
  public static CudaOptions defaults() {
    return new CudaOptions(
        Path.of(System.getProperty("user.home"), ".cache", "tanuki4j", "cuda"), false);
  }
}
