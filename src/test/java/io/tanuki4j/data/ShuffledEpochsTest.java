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

/** The expected numbers are of PyTorch, by tools/reference/cyclic_orders.py. */
class ShuffledEpochsTest {
  private static final int NUM_BATCHES = 8;

  /** Sample i begins with i. */
  private record Numbers(long size) implements TokenDataset {
    @Override
    public int[] sample(long index) {
      return new int[] {(int) index, 0};
    }

    @Override
    public void close() {
      throw new AssertionError("the dataset is shared");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "13, 0, 1, 0, 1, 3 4 0 2 11 8 12 5",
    "13, 0, 2, 0, 3, 0 1 3 2 1 3 2 0 0 1 3 2 2 3 1 0",
    "13, 0, 2, 2, 3, 8 9 11 10 9 11 10 8 8 9 11 10 10 11 9 8",
    "29, 42, 2, 1, 3, 9 8 8 12 15 10 14 13 9 11 10 12 11 13 9 8",
    "64, 8000, 4, 1, 2, 61 42 34 41 43 51 54 58 62 49 45 38 60 35 40 46 63 55 56 59 39 53 36 48 37"
        + " 47 44 57 52 50 32 33",
  })
  void samples_come_in_megatrons_order(
      long total, long consumed, int size, int rank, int ranks, String expected) {
    assertThat(taken(total, consumed, new Share(size, rank, ranks)))
        .extracting(String::valueOf)
        .containsExactly(expected.split(" ", -1));
  }

  @Test
  void a_resumed_run_continues_in_the_middle_of_an_epoch() {
    Share share = new Share(2, 1, 2);
    List<Integer> whole = taken(22, 0, share);
    assertThat(taken(22, 12, share).subList(0, 10)).isEqualTo(whole.subList(6, 16));
  }

  @Test
  void too_little_data_and_another_share_are_refused() {
    assertThatThrownBy(() -> taken(5, 0, new Share(2, 0, 3)))
        .isInstanceOf(UserException.class)
        .hasMessage(
            "train data: 5 samples (expected: at least the 6 of a step, with --dataloader-type"
                + " cyclic). Add data.");
    assertThatThrownBy(() -> taken(50, 4, new Share(2, 0, 3)))
        .isInstanceOf(UserException.class)
        .hasMessageStartingWith("train data: 4 consumed samples (expected: whole steps of 6");
  }

  private static List<Integer> taken(long total, long consumed, Share share) {
    List<Integer> numbers = new ArrayList<>();
    TokenDataset shuffled = new ShuffledEpochs(new Numbers(total), "train", share, consumed);
    try (BatchSource batches =
        new SequentialBatches(shuffled, "train", share, MicrobatchBuilder.PLAIN, consumed)) {
      for (int i = 0; i < NUM_BATCHES; i++) {
        for (int token : batches.next().tokens()) {
          numbers.add(token);
        }
      }
    }
    return numbers;
  }
}
