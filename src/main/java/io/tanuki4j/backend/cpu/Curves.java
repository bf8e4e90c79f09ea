package io.tanuki4j.backend.cpu;

import io.tanuki4j.kernel.ActivationKernels.Function;

/** Values and slopes of the functions of {@link Function}, in fp64. */
final class Curves {
  private static final double ROOT_2_OVER_PI = Math.sqrt(2 / Math.PI);
  private static final double CUBIC = 0.044715;

  /** Beyond it, the error function is 1 in fp64. */
  private static final double ERF_IS_ONE = 6;

  private Curves() {}

  static double value(Function function, double x) {
    return switch (function) {
      case GELU -> x * (1 + erf(x / Math.sqrt(2))) / 2;
      case GELU_TANH -> x * (1 + Math.tanh(argument(x))) / 2;
      case SQUARED_RELU -> Math.max(x, 0) * Math.max(x, 0);
    };
  }

  static double slope(Function function, double x) {
    return switch (function) {
      case GELU -> (1 + erf(x / Math.sqrt(2)) + x * ROOT_2_OVER_PI * Math.exp(-x * x / 2)) / 2;
      case GELU_TANH -> {
        double tanh = Math.tanh(argument(x));
        double inner = ROOT_2_OVER_PI * (1 + 3 * CUBIC * x * x);
        yield (1 + tanh + x * (1 - tanh * tanh) * inner) / 2;
      }
      case SQUARED_RELU -> 2 * Math.max(x, 0);
    };
  }

  private static double argument(double x) {
    return ROOT_2_OVER_PI * (x + CUBIC * x * x * x);
  }

  /**
   * Computes the error function by its series of positive terms, {@code 2x/√π · exp(−x²) · Σ (2x²)ⁿ
   * / (1·3·…·(2n + 1))} (Abramowitz and Stegun, 7.1.6).
   */
  static double erf(double x) {
    if (Math.abs(x) > ERF_IS_ONE) {
      return Math.signum(x);
    }
    double sum = 1;
    double term = 1;
    for (int odd = 3; term > sum * Math.ulp(0.5); odd += 2) {
      term *= 2 * x * x / odd;
      sum += term;
    }
    return 2 * x / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
  }
}
