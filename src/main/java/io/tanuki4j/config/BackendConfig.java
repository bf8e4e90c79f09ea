package io.tanuki4j.config;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The device a run computes on.
 *
 * @param name {@code cpu} or {@code cuda}; null for cuda if available, else cpu
 * @param cudaLibDir a folder with CUDA's libraries; null to look in the usual places
 * @param deterministic whether sums that a GPU could add in any order use one fixed order
 * @param replays whether a GPU replays recorded operations
 */
public record BackendConfig(
    @Nullable String name, @Nullable Path cudaLibDir, boolean deterministic, boolean replays) {
  /** Returns the same configuration without replays, so that each operation can be timed. */
  public BackendConfig withoutReplays() {
    return new BackendConfig(name, cudaLibDir, deterministic, false);
  }
}
