package io.tanuki4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.data.SequentialBatches.Share;
import io.tanuki4j.error.UserException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SequentialBatchesTest {
  /** Sample i is 10 i, 10 i + 1, 10 i + 2, 10 i + 3. */
  private static TokenDataset dataset(long size) {
    return new TokenDataset() {
      @Override
      public long size() {
        return size;
      }

      @Override
      public int[] sample(long index) {
        int first = (int) index * 10;
        return new int[] {first, first + 1, first + 2, first + 3};
      }

      @Override
      public void close() {
        throw new AssertionError("the dataset is shared");
      }
    };
  }

  @Test
  void a_batch_is_sequence_first_and_targets_are_successors() {
    try (var batches = batches(9, new Share(2, 0, 1), MicrobatchBuilder.PLAIN, 1)) {
      TokenBatch batch = batches.next();
      assertThat(batch.seqLength()).isEqualTo(3);
      assertThat(batch.batchSize()).isEqualTo(2);
      assertThat(batch.tokens()).containsExactly(10, 20, 11, 21, 12, 22);
      assertThat(batch.targets()).containsExactly(11, 21, 12, 22, 13, 23);
      assertThat(batch.lossMask()).containsExactly(1, 1, 1, 1, 1, 1);
      assertThat(batch.numValidTokens()).isEqualTo(6);
    }
  }

  @Test
  void masked_are_the_positions_whose_token_not_target_ends_a_document() {
    try (var batches =
        batches(
            9,
            new Share(2, 0, 1),
            new MicrobatchBuilder(new DocumentMasks(false, false, true), 21),
            1)) {
      assertThat(batches.next().lossMask()).containsExactly(1, 1, 1, 0, 1, 1);
    }
  }

  @Test
  void rank_r_takes_the_rth_part_of_each_step() {
    assertThat(firstTokens(new Share(2, 0, 3), 0)).containsExactly(0, 1, 6, 7);
    assertThat(firstTokens(new Share(2, 1, 3), 0)).containsExactly(2, 3, 8, 9);
    assertThat(firstTokens(new Share(2, 2, 3), 0)).containsExactly(4, 5, 10, 11);
  }

  @Test
  void the_order_of_samples_depends_on_neither_size() {
    List<Integer> whole = firstTokens(new Share(1, 0, 1), 0);
    assertThat(firstTokens(new Share(4, 0, 1), 0)).isEqualTo(whole.subList(0, 12));
    assertThat(firstTokens(new Share(1, 0, 1), 5)).isEqualTo(whole.subList(5, 13));
  }

  @Test
  void counts_the_samples_of_all_ranks() {
    try (var batches = batches(30, new Share(2, 1, 3), MicrobatchBuilder.PLAIN, 7)) {
      assertThat(batches.consumedSamples()).isEqualTo(7);
      batches.next();
      assertThat(batches.consumedSamples()).isEqualTo(13);
    }
  }

  @Test
  void the_end_of_the_data_is_told() {
    try (var batches = batches(13, new Share(2, 1, 3), MicrobatchBuilder.PLAIN, 8)) {
      assertThatThrownBy(batches::next)
          .isInstanceOf(UserException.class)
          .hasMessage(
              "train data: the next step needs 6 samples, but 8 of 13 are consumed. Add data, give"
                  + " each dataset a weight so that it repeats, or stop earlier.");
      assertThat(batches.consumedSamples()).isEqualTo(8);
    }
  }

  @ParameterizedTest
  @CsvSource({"0, 0, 1", "1, 1, 1", "1, -1, 2"})
  void impossible_shares_are_refused(int size, int rank, int ranks) {
    assertThatThrownBy(() -> new Share(size, rank, ranks))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("(expected: a size of 1 or more, a rank below");
  }

  @Test
  void a_negative_start_is_refused() {
    assertThatThrownBy(() -> batches(9, new Share(1, 0, 1), MicrobatchBuilder.PLAIN, -1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("train data: -1 consumed samples (expected: 0 or more).");
  }

  private static SequentialBatches batches(
      long size, Share share, MicrobatchBuilder builder, long consumed) {
    return new SequentialBatches(dataset(size), "train", share, builder, consumed);
  }

  /** Numbers of this rank's samples out of 13, in order. */
  private static List<Integer> firstTokens(Share share, long consumed) {
    List<Integer> numbers = new ArrayList<>();
    try (var batches = batches(13, share, MicrobatchBuilder.PLAIN, consumed)) {
      while (batches.consumedSamples() + share.samplesPerStep() <= 13) {
        TokenBatch batch = batches.next();
        for (int j = 0; j < batch.batchSize(); j++) {
          numbers.add(batch.tokens()[j] / 10);
        }
      }
    }
    return numbers;
  }
}
