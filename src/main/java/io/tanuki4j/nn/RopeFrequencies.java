package io.tanuki4j.nn;

import org.jspecify.annotations.Nullable;

/**
 * The angles of rotary position embedding (Su et al., 2021): pair j turns by {@code position /
 * interpolationFactor · base^(−2j / rotaryDim)}, in fp32 as in Megatron-LM.
 *
 * @param rotaryDim how many elements of a head are rotated, an even number
 * @param interpolationFactor divides the positions; 1 for none
 * @param scalingFactor divides low frequencies as Llama 3.1 does; null for none
 */
public record RopeFrequencies(
    double base, int rotaryDim, double interpolationFactor, @Nullable Double scalingFactor) {
  private static final double ORIGINAL_LENGTH = 8192;
  private static final double LOW_FREQUENCY_FACTOR = 1;
  private static final double HIGH_FREQUENCY_FACTOR = 4;

  public RopeFrequencies {
    if (rotaryDim < 2 || rotaryDim % 2 != 0) {
      throw new IllegalArgumentException(
          ("rotary dim: %d (expected: an even number of 2 or more). Choose --rotary-percent and"
                  + " --kv-channels so that their product is even.")
              .formatted(rotaryDim));
    }
  }

  /** Radians per position of pair j, {@code 0 <= j < rotaryDim / 2}. */
  public double inverse(int j) {
    double inverse = 1 / Math.pow(base, 2.0 * j / rotaryDim);
    return scalingFactor == null ? inverse : scaled(inverse, scalingFactor);
  }

  /** The angle of pair j at a position, every step rounded to fp32. */
  public float angle(int position, int j) {
    return (float) (position / interpolationFactor) * (float) inverse(j);
  }

  /**
   * Wavelengths above the original length are stretched by the factor, those below a quarter of it
   * are kept, and those between are blended (Llama 3.1).
   */
  private static double scaled(double inverse, double factor) {
    double turns = ORIGINAL_LENGTH * inverse / (2 * Math.PI);
    double share = (turns - LOW_FREQUENCY_FACTOR) / (HIGH_FREQUENCY_FACTOR - LOW_FREQUENCY_FACTOR);
    double kept = Math.min(1, Math.max(0, share));
    return (1 - kept) * inverse / factor + kept * inverse;
  }
}
