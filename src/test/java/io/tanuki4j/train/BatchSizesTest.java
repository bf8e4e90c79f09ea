package io.tanuki4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.train.TrainConfig.Rampup;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BatchSizesTest {
  /** Megatron's example {@code --rampup-batch-size 16 8 300000}. */
  private static final Rampup RAMPUP = new Rampup(16, 8, 300000);

  @ParameterizedTest
  @CsvSource({
    "0, 16",
    "2380, 16",
    "2381, 24",
    "2400, 24",
    "150000, 520",
    "299999, 1016",
    "300000, 1024",
    "300001, 1024",
  })
  void grows_as_megatron_does(long consumed, int expected) {
    BatchSizes sizes = new BatchSizes(8, 1024, RAMPUP);
    assertThat(sizes.at(consumed)).isEqualTo(expected);
    assertThat(sizes.numMicrobatches(consumed)).isEqualTo(expected / 8);
    assertThat(sizes.finalNumMicrobatches()).isEqualTo(128);
  }

  @Test
  void is_constant_without_a_ramp_up() {
    BatchSizes sizes = new BatchSizes(2, 8, null);
    assertThat(sizes.at(0)).isEqualTo(8);
    assertThat(sizes.iterationsFor(50)).isEqualTo(6);
  }

  @Test
  void counts_the_iterations_that_samples_are_enough_for() {
    BatchSizes sizes = new BatchSizes(1, 4, new Rampup(2, 1, 6));
    // Batches of 2, 2, 3 and then 4: 2 at 0, 2 at 2, 3 at 4, 4 from 7 on.
    assertThat(sizes.iterationsFor(7)).isEqualTo(3);
    assertThat(sizes.iterationsFor(6)).isEqualTo(2);
    assertThat(sizes.iterationsFor(15)).isEqualTo(5);
    assertThat(sizes.iterationsFor(14)).isEqualTo(4);
    assertThat(sizes.iterationsFor(1)).isZero();
  }

  @Test
  void rejects_increments_that_miss_the_global_batch_size() {
    assertThatThrownBy(() -> new BatchSizes(8, 1024, new Rampup(16, 40, 300)))
        .hasMessage(
            "rampup-batch-size: 16 40 300 (expected: increments that lead from the start to"
                + " global-batch-size 1024). Change --rampup-batch-size.");
    assertThatThrownBy(() -> new BatchSizes(8, 16, new Rampup(16, 8, 300)))
        .hasMessageContaining("rampup-batch-size: 16 8 300");
  }

  @Test
  void rejects_sizes_that_are_no_multiple_of_the_micro_batch() {
    assertThatThrownBy(() -> new BatchSizes(3, 8, null))
        .hasMessageStartingWith(
            "global-batch-size: 8 (expected: a multiple of micro-batch-size 3)");
    assertThatThrownBy(() -> new BatchSizes(4, 16, new Rampup(4, 2, 300)))
        .hasMessageStartingWith("rampup-batch-size, increment: 2 (expected: a multiple of");
  }
}
