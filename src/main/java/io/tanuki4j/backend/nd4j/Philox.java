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

  /**
   * Returns the four words of each counter {@code (low word, high word, third, 0)}.
   *
   * @param counters numbers of 64 bits
   */
  static INDArray[] words(INDArray counters, long third, long key) {
    INDArray w0 = low(counters);
    INDArray w1 = high(counters);
    INDArray w2 = counters.like().assign(third);
    INDArray w3 = counters.like().assign(0);
    for (int round = 0; round < ROUNDS; round++) {
      INDArray product0 = times(w0, MULTIPLIER_0);
      INDArray product1 = times(w2, MULTIPLIER_1);
      w0 = Bits.xor(Bits.xor(high(product1), w1), (key + round * WEYL_0) & LOW_WORD);
      w2 =
          Bits.xor(Bits.xor(high(product0), w3), ((key >>> WORD_BITS) + round * WEYL_1) & LOW_WORD);
      w1 = low(product1);
      w3 = low(product0);
    }
    return new INDArray[] {w0, w1, w2, w3};
  }

  private static INDArray times(INDArray words, long factor) {
    return words.mul(Nd4j.scalar(DataType.LONG, factor));
  }

  private static INDArray low(INDArray numbers) {
    return Bits.and(numbers, LOW_WORD);
  }

  private static INDArray high(INDArray numbers) {
    return low(Bits.shiftRight(numbers, WORD_BITS));
  }
}
