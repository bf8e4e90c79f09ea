package io.tanuki4j.backend.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The vector operations of {@link FloatRow}. Java defines the result of each to the last bit:
 * interpreted and compiled code must agree, or a resumed run would differ from an unbroken one. So
 * the exponential is ours, and sums over lanes are taken in order.
 */
final class FloatVectors {
  /** As wide as this machine has them. */
  static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;

  static final int LANES = SPECIES.length();

  /** Below, exp is less than the smallest normal float and becomes 0. */
  private static final float MIN_EXPONENT = -88;

  /** From here on exp becomes infinite. */
  private static final float MAX_EXPONENT = 89;

  /** 1.5 · 2^23: adding it rounds a float to an integer, which its low bits then hold; biased. */
  private static final float ROUND_AND_BIAS = 0x1.8p23f + 127;

  private static final FloatVector LOG2_E = constant(1 / Math.log(2));
  private static final FloatVector BIAS = constant(ROUND_AND_BIAS);

  /** ln 2 in two parts, the first with so few bits that products with small integers are exact. */
  private static final FloatVector MINUS_LN2_HIGH = constant(-0.693359375);

  private static final FloatVector MINUS_LN2_LOW = constant(0.693359375 - Math.log(2));
  private static final FloatVector ONE = constant(1);
  private static final FloatVector HALF = constant(1 / 2.0);
  private static final FloatVector SIXTH = constant(1 / 6.0);
  private static final FloatVector TAYLOR_4 = constant(1 / 24.0);
  private static final FloatVector TAYLOR_5 = constant(1 / 120.0);
  private static final FloatVector TAYLOR_6 = constant(1 / 720.0);
  private static final FloatVector TAYLOR_7 = constant(1 / 5040.0);

  private FloatVectors() {}

  private static FloatVector constant(double value) {
    return FloatVector.broadcast(SPECIES, (float) value);
  }

  /**
   * Returns {@code e^x = 2^n · e^r}, with n the integer nearest to x / ln 2 and |r| ≤ ln 2 / 2.
   * Taylor's series gives e^r, less than one unit in the last place from the truth. The result is 0
   * below −88.
   */
  static FloatVector exp(FloatVector x) {
    FloatVector inRange = x.max(MIN_EXPONENT).min(MAX_EXPONENT);
    FloatVector biased = inRange.fma(LOG2_E, BIAS);
    FloatVector n = biased.sub(BIAS);
    FloatVector r = n.fma(MINUS_LN2_LOW, n.fma(MINUS_LN2_HIGH, inRange));
    FloatVector series = TAYLOR_7.fma(r, TAYLOR_6).fma(r, TAYLOR_5).fma(r, TAYLOR_4);
    series = series.fma(r, SIXTH).fma(r, HALF).fma(r, ONE).fma(r, ONE);
    FloatVector powerOfTwo =
        biased.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
    return series.mul(powerOfTwo);
  }

  static FloatVector sigmoid(FloatVector x) {
    return ONE.div(exp(x.neg()).add(ONE));
  }

  static FloatVector oneMinus(FloatVector x) {
    return ONE.sub(x);
  }
}
