package io.tanuki4j.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class MockCorpusTest {
  private static final int EOD = 99;

  private final MockCorpus corpus = new MockCorpus(100, EOD);

  /** What numpy gives: default_rng(0).integers(1, 4096, 100000, dtype=int32). */
  @Test
  void lengths_are_those_of_numpy() {
    assertThat(IntStream.range(0, 12).map(corpus::length))
        .containsExactly(3484, 2609, 2094, 1105, 1261, 168, 309, 68, 718, 3331, 2660, 3738);
    assertThat(IntStream.range(99_997, 100_000).map(corpus::length)).containsExactly(61, 100, 769);
    assertThat(IntStream.range(0, corpus.numSequences()).map(corpus::length).sum())
        .isEqualTo(204_637_097);
  }

  @Test
  void documents_count_up_and_end() {
    int length = corpus.length(7);
    int[] tokens = new int[length];
    corpus.read(7, 0, length, tokens, 0);
    assertThat(tokens).startsWith(1, 2, 3).endsWith(length - 1, EOD);
    corpus.read(5, 97, 5, tokens, 0);
    assertThat(tokens).startsWith(98, 99, 0, 1, 2);
  }
}
