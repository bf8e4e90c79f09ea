package io.tanuki4j.parallel.context;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.error.UserException;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SequenceShardingTest {
  @ParameterizedTest
  @CsvSource({
    "0, 2, '0 1 2 3 12 13 14 15'",
    "1, 2, '4 5 6 7 8 9 10 11'",
    "0, 4, '0 1 14 15'",
    "1, 4, '2 3 12 13'",
    "2, 4, '4 5 10 11'",
    "3, 4, '6 7 8 9'",
  })
  void sixteen_tokens_are_dealt_as_megatron_deals_them(int rank, int size, String positions) {
    int[] expected = Arrays.stream(positions.split(" ")).mapToInt(Integer::parseInt).toArray();
    SequenceSharding sharding = new SequenceSharding(rank, size);
    assertThat(sharding.positions(16)).containsExactly(expected);
    assertThat(sharding.localLength(16)).isEqualTo(expected.length);
  }

  @Test
  void all_ranks_see_equally_many_pairs_under_a_causal_mask() {
    int[] work =
        IntStream.range(0, 4)
            .map(rank -> Arrays.stream(new SequenceSharding(rank, 4).positions(64)).sum())
            .toArray();
    assertThat(work).containsOnly(work[0]);
  }

  @Test
  void one_rank_has_any_sequence_in_one_piece() {
    assertThat(SequenceSharding.WHOLE.pieces(7)).containsExactly(new SequenceSharding.Piece(0, 7));
  }

  @Test
  void a_sequence_that_cannot_be_cut_is_refused() {
    assertThatThrownBy(() -> new SequenceSharding(1, 4).pieces(20))
        .isInstanceOf(UserException.class)
        .hasMessage(
            "--seq-length: 20 (expected: a multiple of 8, twice --context-parallel-size 4)."
                + " Use 24.");
  }

  @Test
  void a_rank_beyond_the_group_is_refused() {
    assertThatThrownBy(() -> new SequenceSharding(2, 2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("context-parallel rank 2 of 2 (expected: 0 to 1)");
  }
}
