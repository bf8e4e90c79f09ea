package io.tanuki4j.config;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What a run computes on.
 *
 * @param name {@code cpu} or {@code cuda}; null for cuda where it can be used, else cpu
 * @param cudaLibDir a folder with CUDA's libraries; null to look in the usual places
 * @param deterministic whether sums that a GPU could add up in any order keep one order
 * @param replays whether a GPU replays what was recorded
 */
public record BackendConfig(
    @Nullable String name, @Nullable Path cudaLibDir, boolean deterministic, boolean replays) {
  /** The same, with every operation issued anew, so that each can be timed. */
  public BackendConfig withoutReplays() {
    return new BackendConfig(name, cudaLibDir, deterministic, false);
  }
}
