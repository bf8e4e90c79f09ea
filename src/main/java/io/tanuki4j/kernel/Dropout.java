package io.tanuki4j.kernel;

import io.tanuki4j.tensor.Tensor;

/**
 * Which elements a dropout (Srivastava et al., 2014) keeps, as a function of their place in a run,
 * so that every layout and every repetition drops the same. An element has a column, a row, a
 * sample's number n and a head (0 if there are none); it is kept if word {@code column mod 4} of
 * Philox4x32-10 (Salmon et al., 2011) under the key, with counter {@code (column / 4, row, n mod
 * 2^32, (n / 2^32) · 2^16 + head)}, is below {@link #keptBelow}. What is kept is divided by {@code
 * 1 − rate}.
 *
 * @param rate share of the elements that become 0; at least 0, below 1
 * @param key of the run's seed and of the place in the model
 * @param samples {@code [b]}, I64: the number of each sample in the order of the run
 */
public record Dropout(double rate, long key, Tensor samples) {
  /** Returns the bound of the unsigned 32-bit words of elements that are kept. */
  public long keptBelow() {
    return Math.round((1 - rate) * 0x1p32);
  }

  /** Returns what kept elements are multiplied by. */
  public double factor() {
    return 1 / (1 - rate);
  }
}
