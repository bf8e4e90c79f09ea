package io.tanuki4j.backend.nd4j;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Philox4x32-10 (Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3, 2011) for many
 * counters at once. Words are unsigned numbers of 32 bits in arrays of LONG.
 */
final class Philox {
  private static final int ROUNDS = 10;
  private static final int WORD_BITS = 32;
  private static final long LOW_WORD = 0xFFFFFFFFL;
  private static final long MULTIPLIER_0 = 0xD2511F53L;
  private static final long MULTIPLIER_1 = 0xCD9E8D57L;
  private static final long WEYL_0 = 0x9E3779B9L;
  private static final long WEYL_1 = 0xBB67AE85L;

  private Philox() {}

  /** Returns the four words of each counter {@code (w0, w1, w2, w3)}. */
  static INDArray[] words(INDArray w0, INDArray w1, INDArray w2, INDArray w3, long key) {
    INDArray[] words = {w0, w1, w2, w3};
    for (int round = 0; round < ROUNDS; round++) {
      INDArray product0 = times(words[0], MULTIPLIER_0);
      INDArray product1 = times(words[2], MULTIPLIER_1);
      long key0 = (key + round * WEYL_0) & LOW_WORD;
      long key1 = ((key >>> WORD_BITS) + round * WEYL_1) & LOW_WORD;
      words =
          new INDArray[] {
            Bits.xor(Bits.xor(high(product1), words[1]), key0),
            low(product1),
            Bits.xor(Bits.xor(high(product0), words[3]), key1),
            low(product0)
          };
    }
    return words;
  }

  private static INDArray times(INDArray words, long factor) {
    return words.mul(Nd4j.scalar(DataType.LONG, factor));
  }

  /** Returns the lower word of numbers of 64 bits. */
  static INDArray low(INDArray numbers) {
    return Bits.and(numbers, LOW_WORD);
  }

  /** Returns the upper word. */
  static INDArray high(INDArray numbers) {
    return low(Bits.shiftRight(numbers, WORD_BITS));
  }
}
