package io.tanuki4j.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class RandomBatchesTest {
  private static final int SEQ_LENGTH = 50;
  private static final int BATCH_SIZE = 3;
  private static final int VOCAB_SIZE = 5;

  private static RandomBatches batches(long seed) {
    return new RandomBatches(SEQ_LENGTH, BATCH_SIZE, VOCAB_SIZE, 2, seed);
  }

  @Test
  void targets_are_the_successors_of_tokens_and_all_count() {
    TokenBatch batch = batches(1).next();
    int size = SEQ_LENGTH * BATCH_SIZE;
    assertThat(batch.tokens()).hasSize(size).contains(0, 1, 2, 3, 4);
    assertThat(Arrays.copyOf(batch.targets(), size - BATCH_SIZE))
        .isEqualTo(Arrays.copyOfRange(batch.tokens(), BATCH_SIZE, size));
    assertThat(Arrays.stream(batch.targets())).allMatch(id -> id >= 0 && id < VOCAB_SIZE);
    assertThat(batch.numValidTokens()).isEqualTo(size);
  }

  @Test
  void the_batches_come_again_and_depend_on_the_seed_alone() {
    RandomBatches batches = batches(1);
    TokenBatch first = batches.next();
    TokenBatch second = batches.next();
    assertThat(batches.next()).isSameAs(first);
    assertThat(batches.consumedSamples()).isEqualTo(3 * BATCH_SIZE);
    assertThat(second.tokens()).isNotEqualTo(first.tokens());
    assertThat(batches(1).next().tokens()).isEqualTo(first.tokens());
    assertThat(batches(2).next().tokens()).isNotEqualTo(first.tokens());
  }
}
