package io.tanuki4j.data;

import java.util.Arrays;

/** Sums of weights in numpy's order of additions, so that quotients have the same last bit. */
final class BlendWeights {
  private static final int LANES = 8;
  private static final int BLOCK = 128;

  private BlendWeights() {}

  /** Returns each weight divided by their sum. */
  static double[] normalized(double[] weights) {
    double sum = sum(weights);
    return Arrays.stream(weights).map(weight -> weight / sum).toArray();
  }

  /** Returns numpy's pairwise sum. */
  static double sum(double[] values) {
    return sum(values, 0, values.length);
  }

  private static double sum(double[] values, int from, int count) {
    if (count > BLOCK) {
      int half = count / 2;
      half -= half % LANES;
      return sum(values, from, half) + sum(values, from + half, count - half);
    }
    int inLanes = count - count % LANES;
    double sum = inLanes == 0 ? 0 : sumInLanes(values, from, inLanes);
    for (int i = inLanes; i < count; i++) {
      sum += values[from + i];
    }
    return sum;
  }

  private static double sumInLanes(double[] values, int from, int count) {
    double[] r = Arrays.copyOfRange(values, from, from + LANES);
    for (int i = LANES; i < count; i++) {
      r[i % LANES] += values[from + i];
    }
    return ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
  }
}
