package io.tanuki4j.train;

import io.tanuki4j.data.BatchSource;
import io.tanuki4j.data.TokenBatch;
import java.util.NoSuchElementException;

/** Micro-batches of one sequence that follow from the sample's number, as many as wanted. */
final class ListSource implements BatchSource {
  static final int SEQ_LENGTH = 2;

  private final long size;
  private long consumed;

  ListSource(long size, long consumed) {
    this.size = size;
    this.consumed = consumed;
  }

  /** Sample k: tokens k and k + 1, targets k and 2 (all modulo 4); every fifth is masked out. */
  @Override
  public TokenBatch next() {
    if (consumed >= size) {
      throw new NoSuchElementException("no samples left");
    }
    int first = (int) (consumed % 4);
    float second = consumed % 5 == 4 ? 0 : 1;
    consumed++;
    return new TokenBatch(
        SEQ_LENGTH,
        1,
        new int[] {first, (first + 1) % 4},
        new int[] {first, 2},
        new float[] {1, second});
  }

  @Override
  public boolean masksTokens() {
    return true;
  }

  @Override
  public long consumedSamples() {
    return consumed;
  }

  @Override
  public void close() {}
}
