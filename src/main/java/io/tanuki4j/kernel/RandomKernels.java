package io.tanuki4j.kernel;

import io.tanuki4j.tensor.Tensor;

/**
 * Random numbers as a function of their place. An element has the same one whichever rank computes
 * it, so every layout starts from the same weights and drops the same elements.
 */
public interface RandomKernels {
  /**
   * Fills a tensor with normal numbers of mean 0. The number at global index {@code i = (firstRow +
   * row) · globalColumns + firstColumn + column} comes from Philox4x32-10 (Salmon et al., 2011)
   * with key {@code key} (low word first) and counter {@code i / 2} (low word, high word, 0, 0).
   * The output words w0 to w3, unsigned, give {@code u1 = (w0 · 2^20 + (w1 >>> 12) + 0.5) / 2^52},
   * and w2 and w3 give u2 in the same way. The Box–Muller transform gives {@code sqrt(−2·ln u1) ·
   * cos(2π·u2)} for even i and the sine for odd i; computed in fp64, scaled, rounded once.
   *
   * @param out {@code [rows, columns]}, a part of the global matrix
   */
  void fillNormal(
      Tensor out,
      long key,
      long firstRow,
      long firstColumn,
      long globalColumns,
      double standardDeviation);

  /**
   * Zeroes elements at random and divides the others by the share that is kept; its backward is the
   * same operation on the gradient. The column of an element is its index in h, its row the
   * position.
   *
   * @param out {@code [s, b, h]}; may be x itself
   * @param positions {@code [s]}, I32: the position of each row in its sample
   */
  void dropout(Tensor out, Tensor x, Tensor positions, Dropout dropout);
}
