package io.tanuki4j.checkpoint;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Decides which rank writes which piece: among the ranks with copies, the one with the least to
 * write so far. A pure function, so that every rank knows what all ranks write.
 */
final class ShareOut {
  private ShareOut() {}

  /**
   * Assigns a writer to every piece.
   *
   * @param holdings of each rank
   * @return every piece, in the order of the ranks, with the rank that writes it
   */
  static Map<Holding, Integer> writers(List<List<Holding>> holdings) {
    Map<Holding, Integer> writers = new LinkedHashMap<>();
    long[] bytes = new long[holdings.size()];
    holders(holdings)
        .forEach(
            (holding, ranks) -> {
              int writer = ranks.get(0);
              for (int rank : ranks) {
                writer = bytes[rank] < bytes[writer] ? rank : writer;
              }
              bytes[writer] += holding.numBytes();
              writers.put(holding, writer);
            });
    return writers;
  }

  private static Map<Holding, List<Integer>> holders(List<List<Holding>> holdings) {
    Map<Holding, List<Integer>> holders = new LinkedHashMap<>();
    for (int rank = 0; rank < holdings.size(); rank++) {
      for (Holding holding : holdings.get(rank)) {
        holders.computeIfAbsent(holding, key -> new ArrayList<>()).add(rank);
      }
    }
    return holders;
  }
}
