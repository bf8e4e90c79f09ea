package io.tanuki4j.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.data.TokenBatch;
import io.tanuki4j.parallel.context.SequenceSharding;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class MicrobatchTokensTest {
  /** Token i of sample j is 10 · i + j. */
  private static final TokenBatch BATCH =
      new TokenBatch(
          8,
          2,
          IntStream.range(0, 16).map(i -> 10 * (i / 2) + i % 2).toArray(),
          new int[16],
          new float[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15});

  @Test
  void a_rank_takes_its_rows_of_every_sample() {
    MicrobatchTokens tokens = new MicrobatchTokens(8, 2, new SequenceSharding(1, 2));
    IntBuffer ids = IntBuffer.allocate(8);
    FloatBuffer mask = FloatBuffer.allocate(8);
    tokens.put(ids, BATCH, BATCH.tokens());
    tokens.put(mask, BATCH, BATCH.lossMask());
    assertThat(tokens.localShape().toArray()).containsExactly(4, 2);
    assertThat(ids.array()).containsExactly(20, 21, 30, 31, 40, 41, 50, 51);
    assertThat(mask.array()).containsExactly(4, 5, 6, 7, 8, 9, 10, 11);
  }

  @Test
  void one_rank_takes_everything() {
    MicrobatchTokens tokens = new MicrobatchTokens(8, 2, SequenceSharding.WHOLE);
    IntBuffer ids = IntBuffer.allocate(16);
    tokens.put(ids, BATCH, BATCH.tokens());
    assertThat(ids.array()).containsExactly(BATCH.tokens());
  }
}
