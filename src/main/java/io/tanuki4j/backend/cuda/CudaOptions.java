package io.tanuki4j.backend.cuda;

import java.nio.file.Path;
import java.util.Map;

/**
 * The backend's options.
 *
 * @param cacheFolder compiled kernels and chosen algorithms, kept for the next start
 * @param deterministicAttention sums attention's dQ in a fixed order; its workspace then grows with
 *     the square of the sequence
 */
public record CudaOptions(Path cacheFolder, boolean deterministicAttention) {
  /** Names the folder for what is kept between starts. */
  public static final String CACHE_VARIABLE = "TANUKI4J_CACHE_DIR";

  /**
   * Returns {@code ~/.cache/tanuki4j/cuda} as the folder, unless the environment names another, and
   * attention at its fastest.
   */
  public static CudaOptions defaults(Map<String, String> environment) {
    String given = environment.get(CACHE_VARIABLE);
    Path folder =
        given == null
            ? Path.of(System.getProperty("user.home"), ".cache", "tanuki4j")
            : Path.of(given);
    return new CudaOptions(folder.resolve("cuda"), false);
  }
}
