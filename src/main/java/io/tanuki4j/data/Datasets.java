package io.tanuki4j.data;

import io.tanuki4j.error.UserException;
import io.tanuki4j.tokenizer.Tokenizer;
import org.jspecify.annotations.Nullable;

/**
 * The data of a run.
 *
 * @param train null if there is no data for it or no samples are requested; likewise valid and test
 */
public record Datasets(
    @Nullable TokenDataset train, @Nullable TokenDataset valid, @Nullable TokenDataset test)
    implements AutoCloseable {

  /**
   * Opens the corpora and builds the sample orders, or finds them in the cache. Where several
   * processes share a cache, let one of them build first.
   *
   * @param counts samples requested from each split
   * @throws UserException if a file is missing, damaged or foreign, there is too little data, or
   *     the cache cannot be written
   */
  public static Datasets build(DataConfig config, SampleCounts counts, Tokenizer tokenizer) {
    DatasetBuilder builder = new DatasetBuilder(config, counts, tokenizer);
    try {
      builder.prepare();
      return new Datasets(
          builder.dataset(Split.TRAIN), builder.dataset(Split.VALID), builder.dataset(Split.TEST));
    } catch (RuntimeException e) {
      builder.close();
      throw e;
    } finally {
      builder.toDisk();
      builder.deleteTemporary();
    }
  }

  /** Returns the data of one split. */
  @Nullable TokenDataset of(Split split) {
    return switch (split) {
      case TRAIN -> train;
      case VALID -> valid;
      case TEST -> test;
    };
  }

  @Override
  public void close() {
    for (Split split : Split.values()) {
      TokenDataset dataset = of(split);
      if (dataset != null) {
        dataset.close();
      }
    }
  }
}
