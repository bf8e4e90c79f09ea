package io.tanuki4j.tokenizer;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Byte tokens by rank, as in tiktoken, which joins the two neighbours that form the token of lowest
 * rank.
 *
 * @param tokens by rank, with a character for each byte
 * @param firstId id of the first
 */
record RankedTokens(List<String> tokens, int firstId) {
  /** Returns the ids of the tokens. */
  Map<String, Integer> vocabulary() {
    Map<String, Integer> ids = new LinkedHashMap<>();
    for (int rank = 0; rank < tokens.size(); rank++) {
      ids.put(tokens.get(rank), firstId + rank);
    }
    return ids;
  }

  /** Returns every pair of tokens that forms a token, sorted by the rank of that token. */
  List<List<String>> merges() {
    Map<String, Integer> ids = vocabulary();
    List<List<String>> merges = new ArrayList<>();
    for (String token : tokens) {
      List<List<String>> pairs = new ArrayList<>();
      for (int cut = 1; cut < token.length(); cut++) {
        String first = token.substring(0, cut);
        String second = token.substring(cut);
        if (ids.containsKey(first) && ids.containsKey(second)) {
          pairs.add(List.of(first, second));
        }
      }
      pairs.sort(
          Comparator.comparing((List<String> pair) -> ids.get(pair.get(0)))
              .thenComparing(pair -> ids.get(pair.get(1))));
      merges.addAll(pairs);
    }
    return merges;
  }
}
