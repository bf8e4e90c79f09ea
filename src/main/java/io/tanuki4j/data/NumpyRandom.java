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

  private final int[] state = new int[STATE_SIZE];
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
      twist();
    }
    int y = state[next++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return y ^ (y >>> 18);
  }

  /** Permutes {@code values[from .. to)} as numpy shuffles a separate array of them. */
  void shuffle(int[] values, int from, int to) {
    for (int i = to - from - 1; i > 0; i--) {
      int j = below(i);
      int value = values[from + j];
      values[from + j] = values[from + i];
      values[from + i] = value;
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

  /** Returns a number from 0 to {@code max}, both inclusive; {@code max} above 0. */
  private int below(int max) {
    int mask = -1 >>> Integer.numberOfLeadingZeros(max);
    int value = nextBits() & mask;
    while (value > max) {
      value = nextBits() & mask;
    }
    return value;
  }

  private void twist() {
    for (int i = 0; i < STATE_SIZE; i++) {
      int y = (state[i] & UPPER) | (state[(i + 1) % STATE_SIZE] & LOWER);
      state[i] = state[(i + SHIFT_SIZE) % STATE_SIZE] ^ (y >>> 1) ^ ((y & 1) * TWIST);
    }
    next = 0;
  }
}
