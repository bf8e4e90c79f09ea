package io.tanuki4j.config;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The device a run computes on.
 *
 * @param kind of the backend; null for CUDA if it can be used, otherwise the CPU
 * @param cudaLibDir a folder with CUDA's libraries; null to look in the usual places
 * @param deterministic whether sums that a GPU could add in any order use one fixed order
 */
public record BackendConfig(@Nullable Kind kind, @Nullable Path cudaLibDir, boolean deterministic) {
  /** The backends that a run may ask for. */
  public enum Kind {
    CPU,
    CUDA,
    ND4J;

    /**
     * Returns the backend of a flag's value.
     *
     * @param word one of {@link #words}; null if the flag was not given
     */
    public static @Nullable Kind of(@Nullable String word) {
      return word == null ? null : valueOf(word.toUpperCase(Locale.ROOT));
    }

    /** Returns the values of {@code --backend}. */
    public static List<String> words() {
      return Arrays.stream(values()).map(Kind::toString).toList();
    }

    /** Returns the value of {@code --backend}. */
    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }
}
