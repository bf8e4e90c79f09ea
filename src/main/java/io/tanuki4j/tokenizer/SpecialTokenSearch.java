package io.tanuki4j.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Finds literal tokens in texts, leftmost first. At the same place, the earliest in the order of
 * precedence wins.
 */
final class SpecialTokenSearch {
  private final Map<String, Integer> idsByToken;
  private final String firstChars;

  /** A token's id and its place in a text, {@code [start, end)}. */
  record Match(int id, int start, int end) {}

  /**
   * Prepares a search.
   *
   * @param idsByToken in the order of precedence
   */
  SpecialTokenSearch(Map<String, Integer> idsByToken) {
    this.idsByToken = idsByToken;
    StringBuilder firsts = new StringBuilder();
    for (String token : idsByToken.keySet()) {
      String first = token.substring(0, 1);
      if (firsts.indexOf(first) < 0) {
        firsts.append(first);
      }
    }
    firstChars = firsts.toString();
  }

  /** Returns the matches from left to right, without overlaps. */
  List<Match> in(String text) {
    List<Match> matches = new ArrayList<>();
    int i = 0;
    while (i < text.length()) {
      Match match = firstChars.indexOf(text.charAt(i)) < 0 ? null : matchAt(text, i);
      if (match == null) {
        i++;
      } else {
        matches.add(match);
        i = match.end();
      }
    }
    return matches;
  }

  private @Nullable Match matchAt(String text, int start) {
    for (Map.Entry<String, Integer> token : idsByToken.entrySet()) {
      if (text.startsWith(token.getKey(), start)) {
        return new Match(token.getValue(), start, start + token.getKey().length());
      }
    }
    return null;
  }
}
