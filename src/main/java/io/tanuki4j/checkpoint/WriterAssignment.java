package io.tanuki4j.checkpoint;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Decides which rank writes which piece: among the ranks with copies, the one with the least to
 * write so far. A pure function, so that every rank knows what all ranks write.
 */
final class WriterAssignment {
  private WriterAssignment() {}

  /**
   * Assigns a writer to every piece.
   *
   * @param pieces of each rank
   * @return every piece, in the order of the ranks, with the rank that writes it
   */
  static Map<RankPiece, Integer> writers(List<List<RankPiece>> pieces) {
    Map<RankPiece, Integer> writers = new LinkedHashMap<>();
    long[] bytes = new long[pieces.size()];
    owners(pieces)
        .forEach(
            (piece, ranks) -> {
              int writer = ranks.get(0);
              for (int rank : ranks) {
                writer = bytes[rank] < bytes[writer] ? rank : writer;
              }
              bytes[writer] += piece.numBytes();
              writers.put(piece, writer);
            });
    return writers;
  }

  private static Map<RankPiece, List<Integer>> owners(List<List<RankPiece>> pieces) {
    Map<RankPiece, List<Integer>> owners = new LinkedHashMap<>();
    for (int rank = 0; rank < pieces.size(); rank++) {
      for (RankPiece piece : pieces.get(rank)) {
        owners.computeIfAbsent(piece, key -> new ArrayList<>()).add(rank);
      }
    }
    return owners;
  }
}
