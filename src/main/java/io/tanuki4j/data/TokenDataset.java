package io.tanuki4j.data;

/** A fixed order of samples. Thread-safe. */
public interface TokenDataset extends AutoCloseable {
  /** Returns the number of samples. */
  long size();

  /**
   * Returns the {@code seqLength + 1} tokens of one sample, so that each has its successor as
   * target.
   */
  int[] sample(long index);

  @Override
  void close();
}
