package io.tanuki4j.data;

import io.tanuki4j.error.UserException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The parts of a corpus that train, valid and test get, by Megatron's arithmetic for {@code
 * --split}. Part k consists of the sequences from {@code bounds[k] · n} to {@code bounds[k + 1] ·
 * n}, both rounded half to even.
 */
public final class SplitRatios {
  private static final Pattern NUMBER = Pattern.compile("[.0-9]+");
  private static final Pattern SEPARATORS = Pattern.compile("[\\s,;:/'\"]*");

  private final double[] bounds;

  private SplitRatios(double[] bounds) {
    this.bounds = bounds;
  }

  /**
   * Reads weights such as {@code 969, 30, 1}; missing ones are 0.
   *
   * @throws UserException if they are not one to three numbers, or all 0
   */
  public static SplitRatios parse(String text) {
    List<Double> weights = new ArrayList<>();
    Matcher numbers = NUMBER.matcher(text);
    while (numbers.find()) {
      weights.add(number(text, numbers.group()));
    }
    double[] padded = new double[Split.values().length];
    if (weights.isEmpty()
        || weights.size() > padded.length
        || !SEPARATORS.matcher(numbers.replaceAll("")).matches()) {
      throw refused(text);
    }
    for (int i = 0; i < weights.size(); i++) {
      padded[i] = weights.get(i);
    }
    double[] bounds = new double[padded.length + 1];
    double sum = BlendWeights.sum(padded);
    for (int i = 0; i < padded.length; i++) {
      bounds[i + 1] = bounds[i] + padded[i] / sum;
    }
    if (!(sum > 0) || Double.isInfinite(sum)) {
      throw refused(text);
    }
    return new SplitRatios(bounds);
  }

  /** Returns whether a split gets any data. */
  boolean has(Split split) {
    return bounds[split.ordinal() + 1] > bounds[split.ordinal()];
  }

  /** Returns the first of {@code n} sequences that belongs to a split. */
  int from(Split split, int n) {
    return (int) Math.rint(bounds[split.ordinal()] * n);
  }

  /** Returns the end of a split's range of {@code n} sequences, exclusive. */
  int to(Split split, int n) {
    return (int) Math.rint(bounds[split.ordinal() + 1] * n);
  }

  /**
   * Returns Megatron's split matrix: a pair or null for each split; the first number of all is an
   * int.
   */
  List<@Nullable Object> toJson() {
    List<@Nullable Object> matrix = new ArrayList<>();
    for (Split split : Split.values()) {
      int k = split.ordinal();
      Object from = k == 0 ? (Object) 0 : (Object) bounds[k];
      matrix.add(has(split) ? List.of(from, bounds[k + 1]) : null);
    }
    return matrix;
  }

  private static double number(String text, String number) {
    try {
      return Double.parseDouble(number);
    } catch (NumberFormatException e) {
      throw refused(text);
    }
  }

  private static UserException refused(String text) {
    return new UserException(
        ("split: %s (expected: one to three weights of 0 or more, not all 0). Use for"
                + " example 969,30,1.")
            .formatted(text));
  }
}
