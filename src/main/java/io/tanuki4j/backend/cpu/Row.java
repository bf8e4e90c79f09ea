package io.tanuki4j.backend.cpu;

import io.tanuki4j.tensor.Tensor;

/**
 * A run of numbers on the heap that one thread computes with. Kernels load a row of a tensor, work
 * on it in the fastest cache, and store it rounded to the tensor's type. There is a row of floats
 * for F32 and types of sixteen bits and a row of doubles for F64; one kernel's rows are all of the
 * same kind.
 */
interface Row {
  /** Reads {@code count} elements from element {@code first} on; these become the whole row. */
  void load(Tensor source, long first, int count);

  /** Writes the whole row from element {@code first} on. */
  void store(Tensor target, long first);

  /** Sets the row to {@code count} times this value. */
  void fill(double value, int count);

  /** Extends the row by zeros. */
  void extend(int count);

  int length();

  double get(int index);

  void set(int index, double value);

  /** Returns the dot product. */
  double dot(Row other);

  /** Returns the sum of the squares, each exact and added in double precision. */
  double sumOfSquares();

  /** Returns the largest number; NaN if there is one. */
  double max();

  /** Sets {@code this = exp(scale · this − shift)}; returns the sum. */
  double exp(double scale, double shift);

  /** Adds another row: {@code this += other}. */
  void add(Row other);

  /** Scales the row: {@code this *= factor}. */
  void scale(double factor);

  /** Multiplies by another row: {@code this *= factor · other}. */
  void multiply(double factor, Row other);

  /** Sets {@code this = a · this + b · other}. */
  void combine(double a, double b, Row other);

  /** Adds a product: {@code this += factor · x · y}. */
  void addProduct(double factor, Row x, Row y);

  /** Sets {@code this = factor · p · (this − mean)}, the gradient of a softmax of result p. */
  void softmaxGradient(double factor, Row p, double mean);

  /**
   * Rotates the pairs {@code (first + j, first + half + j)}, see {@link
   * io.tanuki4j.kernel.RopeKernels}.
   *
   * @param direction 1, or −1 for the opposite angle
   */
  void rotate(int first, int half, Row cos, Row sin, double direction);

  /** Sets {@code this = silu(this) · up}. */
  void swiGlu(Row up);

  /** Replaces this (the gate) and up by their gradients. */
  void swiGluGradient(Row up, Row dOut);

  /** Updates these masters once. */
  void adamW(Row firstMoment, Row secondMoment, Row grad, AdamWFactors factors);
}
