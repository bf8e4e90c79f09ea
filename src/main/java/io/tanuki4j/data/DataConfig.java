package io.tanuki4j.data;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where the tokens come from and in which order.
 *
 * @param blend datasets that {@code split} divides into train, valid and test; null if the splits
 *     have blends of their own
 * @param trainBlend {@code --train-data-path}; null for none. Likewise valid and test
 * @param split weights of the three splits, for example {@code 969, 30, 1}
 * @param seed of the sample order
 * @param cacheDir {@code --data-cache-path}; null for a folder beside each dataset
 * @param memoryMapped whether .bin files are mapped or read by position
 * @param eodMaskLoss whether positions whose token ends a document are left out of the loss
 * @param numWorkers threads that read ahead
 */
public record DataConfig(
    @Nullable Blend blend,
    @Nullable Blend trainBlend,
    @Nullable Blend validBlend,
    @Nullable Blend testBlend,
    String split,
    int seqLength,
    int seed,
    @Nullable Path cacheDir,
    boolean memoryMapped,
    boolean eodMaskLoss,
    int numWorkers) {

  /**
   * Datasets by prefix (the path without .bin or .idx).
   *
   * @param weights one per prefix, as given; null if none were
   */
  public record Blend(List<String> prefixes, @Nullable List<Double> weights) {
    public Blend {
      prefixes = List.copyOf(prefixes);
      weights = weights == null ? null : List.copyOf(weights);
    }
  }
}
