package io.tanuki4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.checkpoint.Manifest.Piece;
import io.tanuki4j.checkpoint.Manifest.ShardFile;
import io.tanuki4j.checkpoint.Manifest.StoredTensor;
import io.tanuki4j.checkpoint.ShardedTensor.Region;
import io.tanuki4j.checkpoint.TrainState.RankPiece;
import io.tanuki4j.checkpoint.TrainState.StateKind;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.tensor.Shape;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class VerifiedFilesTest {
  private static final Shape SHAPE = Shape.of(8, 4);

  private static final List<ShardFile> FILES = List.of(file("a"), file("b"), file("c"), file("d"));

  /** Each of four ranks saved two rows. */
  private static final StoredTensor STORED =
      new StoredTensor(
          "w",
          StateKind.MODEL,
          ElementType.F32,
          SHAPE,
          List.of(piece("a", 0), piece("b", 2), piece("c", 4), piece("d", 6)));

  private static ShardFile file(String name) {
    return new ShardFile(name, StateKind.MODEL, 100, 0);
  }

  private static Piece piece(String file, int row) {
    return new Piece(file, new Region(row, 0, 2, 4));
  }

  private static RankPiece[] rows(int first, int count) {
    return new RankPiece[] {
      new RankPiece(
          StateKind.MODEL, "w", ElementType.F32, List.of(8L, 4L), new Region(first, 0, count, 4))
    };
  }

  private static List<List<String>> shares(List<RankPiece[]> wanted) {
    return VerifiedFiles.of(FILES, wanted, Map.of("w", STORED)).stream()
        .map(share -> share.stream().map(ShardFile::name).toList())
        .toList();
  }

  @Test
  void the_rank_that_reads_most_of_a_file_verifies_it() {
    assertThat(shares(List.of(rows(5, 3), rows(0, 5))))
        .containsExactly(List.of("c", "d"), List.of("a", "b"));
  }

  @Test
  void ranks_that_read_the_same_share_the_files() {
    assertThat(shares(List.of(rows(0, 8), rows(0, 8))))
        .containsExactly(List.of("a", "c"), List.of("b", "d"));
  }

  @Test
  void files_that_no_rank_reads_are_verified_too() {
    assertThat(shares(List.of(rows(0, 2), rows(0, 2))).stream().mapToInt(List::size).sum())
        .isEqualTo(FILES.size());
  }
}
