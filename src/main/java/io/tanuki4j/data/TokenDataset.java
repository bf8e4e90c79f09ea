package io.tanuki4j.data;

/** A fixed order of samples. Thread-safe. */
public interface TokenDataset extends AutoCloseable {
  /** Number of samples. */
  long size();

  /** Tokens of one sample: {@code seqLength + 1}, so that each has a successor as its target. */
  int[] sample(long index);

  @Override
  void close();
}
