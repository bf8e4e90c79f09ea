package io.tanuki4j.backend.host;

import io.tanuki4j.kernel.Dropout;
import java.nio.ByteBuffer;

/**
 * What a dropout multiplies elements by, for one thread: neighbours in a row share random words.
 */
public final class DropoutFactors {
  private static final int NUM_WORDS = 4;
  private static final int HEAD_BITS = 16;
  private static final long LOW_WORD = 0xFFFFFFFFL;

  private final Dropout dropout;
  private final long keptBelow;
  private final int[] counter = new int[NUM_WORDS];
  private final int[] words = new int[NUM_WORDS];

  public DropoutFactors(Dropout dropout) {
    this.dropout = dropout;
    this.keptBelow = dropout.keptBelow();
    counter[0] = -1;
  }

  /**
   * Returns the factor of an element: 0 if it is dropped.
   *
   * @param sequence within the micro-batch
   */
  public double of(int column, int row, int sequence, int head) {
    long sample = sample(sequence);
    generate(
        column / NUM_WORDS, row, (int) sample, (int) (sample >>> Integer.SIZE) << HEAD_BITS | head);
    boolean kept = (words[column % NUM_WORDS] & LOW_WORD) < keptBelow;
    return kept ? dropout.factor() : 0;
  }

  private void generate(int first, int second, int third, int fourth) {
    if (counter[0] != first
        || counter[1] != second
        || counter[2] != third
        || counter[3] != fourth) {
      counter[0] = first;
      counter[1] = second;
      counter[2] = third;
      counter[3] = fourth;
      System.arraycopy(counter, 0, words, 0, NUM_WORDS);
      Philox.generate(words, dropout.key());
    }
  }

  private long sample(int sequence) {
    long at = Block.firstByte(dropout.samples(), sequence);
    ByteBuffer bytes = Block.of(dropout.samples()).window(at).bytes();
    return bytes.getLong(Block.indexInWindow(at));
  }
}
