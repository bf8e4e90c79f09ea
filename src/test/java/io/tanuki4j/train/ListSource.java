package io.tanuki4j.train;

import io.tanuki4j.data.BatchSource;
import io.tanuki4j.data.TokenBatch;
import io.tanuki4j.error.UserException;

/** Micro-batches of one sequence that follow from the sample's number, as many as wanted. */
final class ListSource implements BatchSource {
  static final int SEQ_LENGTH = 2;

  private final long size;
  private final long broken;
  private long consumed;

  ListSource(long size, long consumed) {
    this(size, consumed, -1);
  }

  /**
   * @param broken a sample that cannot be read; negative for none
   */
  ListSource(long size, long consumed, long broken) {
    this.size = size;
    this.consumed = consumed;
    this.broken = broken;
  }

  /** Sample k: tokens k and k + 1, targets k and 2 (all modulo 4); every fifth is masked out. */
  @Override
  public TokenBatch next() {
    if (consumed >= size) {
      throw new UserException("no samples left");
    }
    if (consumed == broken) {
      throw new IllegalArgumentException("sample %d cannot be read".formatted(consumed));
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
  public long numSamples() {
    return size;
  }

  @Override
  public void close() {}
}
