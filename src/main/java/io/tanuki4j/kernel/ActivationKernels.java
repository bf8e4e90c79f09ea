package io.tanuki4j.kernel;

import io.tanuki4j.tensor.Tensor;

/**
 * SwiGLU (Shazeer, 2020), {@code silu(gate) · up} with {@code silu(x) = x / (1 + exp(−x))}, and
 * functions of single numbers.
 */
public interface ActivationKernels {
  /** A function of single numbers. */
  enum Function {
    /** {@code x · Φ(x)}, Φ the normal distribution (Hendrycks and Gimpel, 2016). */
    GELU,
    /** Its approximation {@code x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))}. */
    GELU_TANH,
    /** {@code max(x, 0)²} (So et al., 2021). */
    SQUARED_RELU
  }

  /**
   * Applies a function.
   *
   * @param out {@code [t, f]}
   * @param x {@code [t, f]}
   */
  void forward(Function function, Tensor out, Tensor x);

  /**
   * Overwrites dx.
   *
   * @param dx {@code [t, f]}; may be x itself
   * @param dOut {@code [t, f]}
   */
  void backward(Function function, Tensor dx, Tensor dOut, Tensor x);

  /**
   * Computes SwiGLU.
   *
   * @param out {@code [t, f]}
   * @param gateUp {@code [t, 2f]}: the gate, then up
   */
  void swiGluForward(Tensor out, Tensor gateUp);

  /**
   * Overwrites dGateUp.
   *
   * @param dGateUp {@code [t, 2f]}; may be gateUp itself
   * @param dOut {@code [t, f]}
   */
  void swiGluBackward(Tensor dGateUp, Tensor dOut, Tensor gateUp);
}
