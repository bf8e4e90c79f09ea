package io.tanuki4j.nn;

/**
 * Llama 3.1's rescaling of low frequencies. Wavelengths above {@code originalLength /
 * lowFrequencyFactor} are stretched by the factor, those below {@code originalLength /
 * highFrequencyFactor} are kept, and those between are blended.
 *
 * @param factor divides low frequencies
 * @param highFrequencyFactor above lowFrequencyFactor
 * @param originalLength longest sequence that the model was trained for before, in tokens
 */
public record RopeScaling(
    double factor, double lowFrequencyFactor, double highFrequencyFactor, int originalLength) {
  /** Constants of Llama 3.1, which Megatron-LM does not let change apart from the factor. */
  public static final RopeScaling LLAMA3 = new RopeScaling(8, 1, 4, 8192);

  /** Returns a frequency in radians per position, rescaled. */
  double scaled(double inverse) {
    double turns = originalLength * inverse / (2 * Math.PI);
    double share = (turns - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor);
    double kept = Math.min(1, Math.max(0, share));
    return (1 - kept) * inverse / factor + kept * inverse;
  }
}
