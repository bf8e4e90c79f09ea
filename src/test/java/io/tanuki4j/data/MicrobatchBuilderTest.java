package io.tanuki4j.data;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class MicrobatchBuilderTest {
  private static final int EOD = 9;

  /** Sample 0: documents 1 9, 2 3 9, 4; sample 1: one document; the last ids are targets only. */
  private static final int[][] SAMPLES = {{1, EOD, 2, 3, EOD, 4, 5}, {1, 2, 3, 4, 5, 6, EOD}};

  @Test
  void documents_begin_after_the_token_that_ends_one() {
    TokenBatch batch = build(new DocumentMasks(true, true, true));
    assertThat(batch.documentStarts()).containsExactly(0, 0, 0, 0, 2, 0, 2, 0, 2, 0, 5, 0);
    assertThat(batch.positions()).containsExactly(0, 0, 1, 1, 0, 2, 1, 3, 2, 4, 0, 5);
    assertThat(batch.maxDocuments()).isEqualTo(3);
    assertThat(batch.lossMask()).containsExactly(1, 1, 0, 1, 1, 1, 1, 1, 0, 1, 1, 1);
    assertThat(batch.firstSample()).isEqualTo(40);
  }

  @Test
  void without_flags_a_sample_is_one_document() {
    TokenBatch batch = build(DocumentMasks.NONE);
    assertThat(batch.documentStarts()).isNull();
    assertThat(batch.starts()).containsOnly(0);
    assertThat(batch.maxDocuments()).isEqualTo(1);
    assertThat(batch.lossMask()).containsOnly(1);
  }

  private static TokenBatch build(DocumentMasks masks) {
    return new MicrobatchBuilder(masks, EOD).build(SAMPLES, 40);
  }
}
