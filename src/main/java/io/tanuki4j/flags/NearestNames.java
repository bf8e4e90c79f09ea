package io.tanuki4j.flags;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Suggests what a user may have meant by a name that does not exist. */
public final class NearestNames {
  private static final int MAX_SUGGESTIONS = 3;

  private NearestNames() {}

  /**
   * Returns at most three candidates. They lie within a third of the name's length, its dashes in
   * front not counted, in single-letter edits (Levenshtein 1966) and are about as near as the
   * nearest. If there are none, returns those that start with the name.
   */
  public static List<String> of(String name, Collection<String> candidates) {
    int length = name.replaceFirst("^-+", "").length();
    int tolerance = Math.min(length - 1, Math.max(2, length / 3));
    int nearest = candidates.stream().mapToInt(other -> edits(name, other)).min().orElse(0);
    if (nearest > tolerance) {
      boolean begins = !name.isEmpty();
      return first(candidates.stream().filter(other -> begins && other.startsWith(name)).sorted());
    }
    return first(
        candidates.stream()
            .filter(other -> edits(name, other) <= Math.min(tolerance, nearest + 1))
            .sorted(
                Comparator.comparingInt((String other) -> edits(name, other))
                    .thenComparing(Comparator.naturalOrder())));
  }

  private static List<String> first(Stream<String> names) {
    return names.limit(MAX_SUGGESTIONS).toList();
  }

  /** Returns a question to end a message with, or the fallback if nothing is near. */
  public static String question(String name, Collection<String> candidates, String fallback) {
    List<String> nearest = of(name, candidates);
    return nearest.isEmpty() ? fallback : "Did you mean " + String.join(" or ", nearest) + "?";
  }

  private static int edits(String from, String to) {
    int[] previous = new int[to.length() + 1];
    for (int column = 0; column <= to.length(); column++) {
      previous[column] = column;
    }
    for (int row = 1; row <= from.length(); row++) {
      int[] current = new int[to.length() + 1];
      current[0] = row;
      for (int column = 1; column <= to.length(); column++) {
        int substituted =
            previous[column - 1] + (from.charAt(row - 1) == to.charAt(column - 1) ? 0 : 1);
        current[column] =
            Math.min(substituted, Math.min(previous[column], current[column - 1]) + 1);
      }
      previous = current;
    }
    return previous[to.length()];
  }
}
