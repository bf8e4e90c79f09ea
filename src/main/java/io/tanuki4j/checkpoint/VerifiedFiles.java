package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.Manifest.Piece;
import io.tanuki4j.checkpoint.Manifest.ShardFile;
import io.tanuki4j.checkpoint.Manifest.StoredTensor;
import io.tanuki4j.checkpoint.ShardedTensor.Region;
import io.tanuki4j.checkpoint.TrainState.RankPiece;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Decides which rank compares which file's checksum: the one that reads most of it anyway. */
final class VerifiedFiles {
  private final Map<String, long[]> read = new HashMap<>();
  private final int numRanks;

  private VerifiedFiles(int numRanks) {
    this.numRanks = numRanks;
  }

  /**
   * Returns each rank's files. Each file is in one list.
   *
   * @param wanted by each rank
   * @param stored for the name of each wanted piece
   */
  static List<List<ShardFile>> of(
      List<ShardFile> files, List<RankPiece[]> wanted, Map<String, StoredTensor> stored) {
    VerifiedFiles shares = new VerifiedFiles(wanted.size());
    for (int rank = 0; rank < wanted.size(); rank++) {
      for (RankPiece piece : wanted.get(rank)) {
        shares.count(rank, piece.region(), Objects.requireNonNull(stored.get(piece.name())));
      }
    }
    return shares.assign(files);
  }

  private void count(int rank, Region wanted, StoredTensor stored) {
    for (Piece piece : stored.pieces()) {
      if (piece.region().overlaps(wanted)) {
        bytes(piece.file())[rank] +=
            stored.type().elementBytes() * piece.region().shared(wanted).numElements();
      }
    }
  }

  private long[] bytes(String file) {
    return read.computeIfAbsent(file, unused -> new long[numRanks]);
  }

  /**
   * Among ranks that read equally much of a file, takes the one with the least to verify so far.
   */
  private List<List<ShardFile>> assign(List<ShardFile> files) {
    List<List<ShardFile>> shares = new ArrayList<>();
    long[] assigned = new long[numRanks];
    for (int rank = 0; rank < numRanks; rank++) {
      shares.add(new ArrayList<>());
    }
    for (ShardFile file : files) {
      long[] bytes = bytes(file.name());
      int best = 0;
      for (int rank = 1; rank < numRanks; rank++) {
        if (bytes[rank] > bytes[best]
            || (bytes[rank] == bytes[best] && assigned[rank] < assigned[best])) {
          best = rank;
        }
      }
      assigned[best] += file.size();
      shares.get(best).add(file);
    }
    return shares;
  }
}
