package io.tanuki4j.backend.nd4j;

/** Arrays of one thread, kept from task to task; their contents are undefined. */
final class Scratch {
  private static final int NUM_SLOTS = 8;

  private final double[][] doubles = new double[NUM_SLOTS][0];

  /** An array of at least this length; another slot is another array. */
  double[] doubles(int slot, int length) {
    if (doubles[slot].length < length) {
      doubles[slot] = new double[length];
    }
    return doubles[slot];
  }
}
