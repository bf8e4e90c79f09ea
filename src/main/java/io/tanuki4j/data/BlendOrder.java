package io.tanuki4j.data;

import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.util.Set;

/**
 * The order of a blend, in memory or in the files of a cache.
 *
 * @param datasets number of the dataset, by position in the blend
 * @param samples number of the sample in that dataset
 */
record BlendOrder(IndexArray datasets, IndexArray samples) {
  private static final String DATASETS = "dataset_index.npy";
  private static final String SAMPLES = "dataset_sample_index.npy";
  private static final int MAX_IN_MEMORY = Integer.MAX_VALUE - 8;

  /** Builds an order in memory, 6 bytes per sample; it is not saved. */
  static BlendOrder inMemory(Blending blending, long size) {
    if (size > MAX_IN_MEMORY) {
      throw new UserException(
          ("blend: %d samples (expected: at most %d in memory). Keep the order in files"
                  + " by --data-cache-path.")
              .formatted(size, MAX_IN_MEMORY));
    }
    short[] datasets = new short[(int) size];
    int[] samples = new int[(int) size];
    for (int i = 0; i < size; i++) {
      int dataset = blending.next();
      datasets[i] = (short) dataset;
      samples[i] = (int) blending.count(dataset) - 1;
    }
    return new BlendOrder(i -> datasets[(int) i], i -> samples[(int) i]);
  }

  /** Maps an order from cache files, and writes the files first if they are missing. */
  static BlendOrder cached(Blending blending, long size, IndexCache cache) {
    if (!cache.holds(DATASETS, SAMPLES)) {
      cache.fill(() -> write(blending, size, cache));
    }
    return new BlendOrder(
        cache.read(DATASETS, Set.of(NpyType.INT16), 1, size),
        cache.read(SAMPLES, Set.of(NpyType.INT64), 1, size));
  }

  private static void write(Blending blending, long size, IndexCache cache) throws IOException {
    String shape = "(%d,)".formatted(size);
    try (var datasets = cache.writer(DATASETS, NpyType.INT16, shape);
        var samples = cache.writer(SAMPLES, NpyType.INT64, shape)) {
      for (long i = 0; i < size; i++) {
        int dataset = blending.next();
        datasets.putShort(dataset);
        samples.putLong(blending.count(dataset) - 1);
      }
      datasets.finish();
      samples.finish();
    }
  }
}
