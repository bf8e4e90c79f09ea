package io.tanuki4j.backend.cpu;

import io.tanuki4j.backend.host.Philox;

/**
 * Rounds numbers to BF16 up or down at random, so that steps smaller than a unit in the last place
 * count on average. The random bits are a function of the iteration and the place, see {@link
 * io.tanuki4j.kernel.OptimizerKernels#adamW}.
 *
 * @param half which half of its random word an element uses
 */
record StochasticRounding(long key, int half) {
  static final int LOW_HALF = 0;
  static final int HIGH_HALF = 16;

  private static final int WORDS = 4;
  private static final int CUT_BITS = 0xFFFF;

  /**
   * Rounds every number of the row to one that BF16 holds.
   *
   * @param first index of the first element
   */
  void apply(Row row, long first) {
    int[] words = new int[WORDS];
    long generated = -1;
    for (int i = 0; i < row.length(); i++) {
      long element = first + i;
      if (element / WORDS != generated) {
        generated = element / WORDS;
        words[0] = (int) generated;
        words[1] = (int) (generated >>> 32);
        words[2] = 1;
        words[3] = 0;
        Philox.generate(words, key);
      }
      int random = (words[(int) (element % WORDS)] >>> half) & CUT_BITS;
      row.set(i, rounded((float) row.get(i), random));
    }
  }

  private static float rounded(float value, int random) {
    if (!Float.isFinite(value)) {
      return value;
    }
    return Float.intBitsToFloat((Float.floatToRawIntBits(value) + random) & ~CUT_BITS);
  }
}
