package io.tanuki4j.nn;

import io.tanuki4j.error.UserException;
import org.jspecify.annotations.Nullable;

/**
 * The angles of rotary position embedding (Su et al., 2021): pair j turns by {@code position /
 * interpolationFactor · base^(−2j / rotaryDim)}, in fp32 as in Megatron-LM.
 *
 * @param rotaryDim how many elements of a head are rotated, an even number
 * @param interpolationFactor divides the positions; 1 for none
 * @param scaling of low frequencies; null for none
 */
public record RopeFrequencies(
    double base, int rotaryDim, double interpolationFactor, @Nullable RopeScaling scaling) {

  public RopeFrequencies {
    if (rotaryDim < 2 || rotaryDim % 2 != 0) {
      throw new UserException(
          ("rotary dim: %d (expected: an even number of 2 or more). Choose --rotary-percent and"
                  + " --kv-channels so that their product is even.")
              .formatted(rotaryDim));
    }
  }

  /** Returns radians per position of pair j, {@code 0 <= j < rotaryDim / 2}. */
  public double inverse(int j) {
    double inverse = 1 / Math.pow(base, 2.0 * j / rotaryDim);
    return scaling == null ? inverse : scaling.scaled(inverse);
  }

  /** Returns the angle of pair j at a position, every step rounded to fp32. */
  public float angle(int position, int j) {
    return (float) (position / interpolationFactor) * (float) inverse(j);
  }
}
