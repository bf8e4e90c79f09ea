package io.tanuki4j.data;

import io.tanuki4j.error.UserException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where the tokens come from and in which order.
 *
 * @param seed of the sample order
 * @param documents what the ends of documents change
 */
public record DataConfig(
    Sources sources, Reading reading, int seqLength, int seed, DocumentMasks documents) {

  /**
   * The datasets of the three splits.
   *
   * @param shared datasets that {@code split} divides into train, valid and test; null if the
   *     splits have blends of their own
   * @param train {@code --train-data-path}; null for none. Likewise valid and test
   * @param split weights of the three splits, for example {@code 969, 30, 1}
   */
  public record Sources(
      @Nullable Blend shared,
      @Nullable Blend train,
      @Nullable Blend valid,
      @Nullable Blend test,
      String split) {}

  /**
   * How files are read.
   *
   * @param cacheDir {@code --data-cache-path}; null for a folder next to each dataset
   * @param memoryMapped whether .bin files are mapped or read by position
   * @param cyclic whether each pass over the samples has an order of its own, without end
   * @param numWorkers two micro-batches are read ahead per worker; 0 to read on demand
   */
  public record Reading(
      @Nullable Path cacheDir, boolean memoryMapped, boolean cyclic, int numWorkers) {}

  /**
   * Datasets by prefix (the path without .bin or .idx).
   *
   * @param weights one per prefix, as given, above 0; null if none were
   */
  public record Blend(List<String> prefixes, @Nullable List<Double> weights) {
    /** The invented data of {@code --mock-data}, in no file. */
    public static final Blend MOCK = new Blend(List.of("(mock data)"), null);

    public Blend {
      prefixes = List.copyOf(prefixes);
      weights = weights == null ? null : List.copyOf(weights);
      BlendParser.require(prefixes, weights);
    }

    /**
     * Reads the values of {@code --data-path} or of one of its variants by Megatron's rule: if the
     * first of each pair is a number, they are weights and prefixes; otherwise all are prefixes.
     *
     * @throws UserException if only some of the pairs begin with a number, a weight is not above 0,
     *     or there are no or too many datasets
     */
    public static Blend parse(List<String> values) {
      return BlendParser.parse(values);
    }
  }
}
