package io.tanuki4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;

import io.tanuki4j.checkpoint.ShardedTensor.Region;
import io.tanuki4j.checkpoint.TrainState.RankPiece;
import io.tanuki4j.checkpoint.TrainState.StateKind;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class RankPieceTest {
  @Test
  void each_piece_is_written_by_one_rank_that_has_it() {
    RankPiece shared = piece("shared", 0, 4);
    RankPiece first = piece("w", 0, 4);
    RankPiece second = piece("w", 4, 4);
    List<RankPiece> rank0 = List.of(first, shared);
    List<RankPiece> rank1 = List.of(second, shared);
    assertThat(RankPiece.assignWriters(List.of(rank0, rank1, List.of())))
        .containsExactly(entry(first, 0), entry(shared, 1), entry(second, 1));
  }

  @Test
  void copies_are_spread_evenly_over_the_ranks_that_have_them() {
    List<RankPiece> all =
        IntStream.range(0, 40).mapToObj(i -> piece("w" + i, 0, 1 + i % 3)).toList();
    long[] bytes = new long[4];
    RankPiece.assignWriters(List.of(all, all, all, all))
        .forEach((holding, rank) -> bytes[rank] += holding.numBytes());
    assertThat(LongStream.of(bytes).sum()).isEqualTo(Float.BYTES * (14 * 1 + 13 * 2 + 13 * 3));
    assertThat(LongStream.of(bytes).boxed()).allMatch(share -> share >= 68 && share <= 88);
  }

  private static RankPiece piece(String name, long firstRow, long rows) {
    Region region = new Region(firstRow, 0, rows, 1);
    return new RankPiece(StateKind.MODEL, name, ElementType.F32, List.of(8L), region);
  }
}
