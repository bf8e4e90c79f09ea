package io.tanuki4j.parallel;

import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** The values that a refusal offers instead. */
public final class Divisors {
  /** The most values that a sentence can hold. */
  private static final int MOST = 12;

  private Divisors() {}

  /** Returns the numbers up to the limit that are valid, for example {@code Use 1, 2 or 4.} */
  public static String use(int limit, IntPredicate good) {
    List<Integer> all = IntStream.rangeClosed(1, limit).filter(good).limit(MOST).boxed().toList();
    return all.isEmpty() ? "" : "Use " + words(all) + ".";
  }

  /** Returns the multiples next to a value, for example {@code Use 8 or 16.} */
  static String nearestMultiples(int value, int unit) {
    int below = value / unit * unit;
    return "Use " + words(below == 0 ? List.of(unit) : List.of(below, below + unit)) + ".";
  }

  private static String words(List<Integer> values) {
    int last = values.size() - 1;
    String before =
        values.subList(0, last).stream().map(String::valueOf).collect(Collectors.joining(", "));
    return last == 0 ? "" + values.get(0) : before + " or " + values.get(last);
  }
}
