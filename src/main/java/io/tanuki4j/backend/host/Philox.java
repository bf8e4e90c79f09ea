package io.tanuki4j.backend.host;

/**
 * Philox4x32-10 (Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3, 2011): four random
 * words as a function of a counter and a key.
 */
public final class Philox {
  private static final int ROUNDS = 10;
  private static final long MULTIPLIER_0 = 0xD2511F53L;
  private static final long MULTIPLIER_1 = 0xCD9E8D57L;
  private static final int WEYL_0 = 0x9E3779B9;
  private static final int WEYL_1 = 0xBB67AE85;
  private static final long LOW_WORD = 0xFFFFFFFFL;

  private Philox() {}

  /**
   * @param words the counter, lowest word first; replaced by the random words
   */
  public static void generate(int[] words, long key) {
    int key0 = (int) key;
    int key1 = (int) (key >>> 32);
    for (int round = 0; round < ROUNDS; round++) {
      long product0 = MULTIPLIER_0 * (words[0] & LOW_WORD);
      long product1 = MULTIPLIER_1 * (words[2] & LOW_WORD);
      words[0] = (int) (product1 >>> 32) ^ words[1] ^ key0;
      words[1] = (int) product1;
      words[2] = (int) (product0 >>> 32) ^ words[3] ^ key1;
      words[3] = (int) product0;
      key0 += WEYL_0;
      key1 += WEYL_1;
    }
  }
}
