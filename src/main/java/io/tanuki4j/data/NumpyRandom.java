package io.tanuki4j.data;

/**
 * The random numbers of numpy's legacy {@code RandomState(seed)}, bit for bit: the Mersenne Twister
 * MT19937 of Matsumoto and Nishimura (1998), seeded by its {@code init_genrand}, and numpy's
 * shuffle, which draws bounded numbers by masked rejection. PyTorch's generator on the CPU has the
 * same bits. Not thread-safe.
 */
final class NumpyRandom {
  private static final int STATE_SIZE = 624;
  private static final int SHIFT_SIZE = 397;
  private static final int TWIST = 0x9908b0df;
  private static final int UPPER = 0x80000000;
  private static final int LOWER = 0x7fffffff;

  /** Partners of a shuffle that are drawn in one go: no miss of the cache waits for a draw. */
  private static final int BLOCK = 1 << 12;

  private int[] state = new int[STATE_SIZE];
  private int[] spare = new int[STATE_SIZE];
  private final int[] words = new int[STATE_SIZE];
  private int next = STATE_SIZE;

  /** Seeds the generator with 32 bits, which numpy takes as unsigned. */
  NumpyRandom(int seed) {
    state[0] = seed;
    for (int i = 1; i < STATE_SIZE; i++) {
      state[i] = 1812433253 * (state[i - 1] ^ (state[i - 1] >>> 30)) + i;
    }
  }

  /** Returns the next 32 random bits. */
  int nextBits() {
    if (next == STATE_SIZE) {
      refill();
    }
    return words[next++];
  }

  /** Permutes {@code values[from .. to)} as numpy shuffles a separate array of them. */
  void shuffle(int[] values, int from, int to) {
    int[] partners = new int[BLOCK];
    int i = to - from - 1;
    while (i > 0) {
      int count = drawPartners(i, partners);
      swap(values, from, from + i, partners, count);
      i -= count;
    }
  }

  /** Draws what a shuffle of {@code size} values draws. */
  void skipShuffle(int size) {
    int[] partners = new int[BLOCK];
    int i = size - 1;
    while (i > 0) {
      i -= drawPartners(i, partners);
    }
  }

  /** Swaps {@code values[last]}, and the ones before it, with their partners. */
  private static void swap(int[] values, int from, int last, int[] partners, int count) {
    for (int k = 0; k < count; k++) {
      int i = last - k;
      int j = from + partners[k];
      int value = values[j];
      values[j] = values[i];
      values[i] = value;
    }
  }

  /**
   * Returns what PyTorch's {@code randperm} makes of a generator on the CPU with the same seed.
   *
   * @param size the number of values, 0 to {@code size - 1}
   */
  int[] torchPermutation(int size) {
    int[] values = new int[size];
    for (int i = 0; i < size; i++) {
      values[i] = i;
    }
    for (int i = 0; i < size - 1; i++) {
      int j = i + Integer.remainderUnsigned(nextBits(), size - i);
      int value = values[i];
      values[i] = values[j];
      values[j] = value;
    }
    return values;
  }

  /**
   * Draws a number from 0 to {@code first}, one from 0 to {@code first - 1}, and so on down to 1,
   * as many as there is room for. Returns how many.
   */
  private int drawPartners(int first, int[] into) {
    int max = first;
    int count = 0;
    while (max > 0 && count < into.length) {
      if (next == STATE_SIZE) {
        refill();
      }
      int mask = -1 >>> Integer.numberOfLeadingZeros(max);
      int withThisMask = max - (mask >>> 1);
      int room = Math.min(withThisMask, into.length - count);
      int end = Math.min(STATE_SIZE, next + room);
      int taken = take(words, next, end, mask, max, into, count);
      next = end;
      count += taken;
      max -= taken;
    }
    return count;
  }

  /**
   * Takes the words whose masked bits are at most {@code max}, which falls by one with each of
   * them. Branches would be mispredicted every third time. Returns how many it has taken.
   */
  private static int take(int[] words, int from, int to, int mask, int max, int[] into, int at) {
    int taken = 0;
    for (int i = from; i < to; i++) {
      int value = words[i] & mask;
      into[at + taken] = value;
      taken += 1 + ((max - taken - value) >> 31);
    }
    return taken;
  }

  /** Makes the next state and its words; all loops but the shortest are vectorized by the JVM. */
  private void refill() {
    int[] old = state;
    int[] twisted = spare;
    int early = STATE_SIZE - SHIFT_SIZE;
    for (int i = 0; i < early; i++) {
      twisted[i] = old[i + SHIFT_SIZE] ^ twist(old[i], old[i + 1]);
    }
    for (int i = early; i < STATE_SIZE - 1; i++) {
      twisted[i] = twisted[i - early] ^ twist(old[i], old[i + 1]);
    }
    twisted[STATE_SIZE - 1] = twisted[SHIFT_SIZE - 1] ^ twist(old[STATE_SIZE - 1], twisted[0]);
    for (int i = 0; i < STATE_SIZE; i++) {
      int y = twisted[i];
      y ^= y >>> 11;
      y ^= (y << 7) & 0x9d2c5680;
      y ^= (y << 15) & 0xefc60000;
      words[i] = y ^ (y >>> 18);
    }
    state = twisted;
    spare = old;
    next = 0;
  }

  private static int twist(int high, int low) {
    int y = (high & UPPER) | (low & LOWER);
    return (y >>> 1) ^ (-(y & 1) & TWIST);
  }
}
