package io.tanuki4j.nd4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.data.IndexedDataset;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.Test;

class TokenIteratorTest {
  private static final Path PREFIX =
      Path.of("src", "test", "resources", "golden", "llama-tiny", "a_text_document");
  private static final int SEQ_LENGTH = 37;

  @Test
  void gives_every_token_that_fills_a_sample_and_its_next_one() {
    List<Integer> expected = tokens();
    try (TokenIterator batches = new TokenIterator(PREFIX, SEQ_LENGTH, 5)) {
      for (int pass = 0; pass < 2; pass++) {
        int position = 0;
        while (batches.hasNext()) {
          var batch = batches.next();
          int count = (int) batch.getFeatures().length();
          int[] features = batch.getFeatures().reshape(count).toIntVector();
          int[] labels = batch.getLabels().reshape(count).toIntVector();
          assertThat(batch.getFeatures().shape()[1]).isEqualTo(SEQ_LENGTH);
          for (int i = 0; i < count; i++) {
            assertThat(features[i]).isEqualTo(expected.get(position));
            assertThat(labels[i]).isEqualTo(expected.get(position + 1));
            position++;
          }
        }
        assertThat(position).isEqualTo((expected.size() - 1) / SEQ_LENGTH * SEQ_LENGTH);
        assertThatThrownBy(batches::next).isInstanceOf(NoSuchElementException.class);
        batches.reset();
      }
    }
  }

  private static List<Integer> tokens() {
    List<Integer> all = new ArrayList<>();
    try (IndexedDataset dataset = IndexedDataset.open(PREFIX, true)) {
      for (int i = 0; i < dataset.numSequences(); i++) {
        for (int id : dataset.sequence(i)) {
          all.add(id);
        }
      }
    }
    return all;
  }
}
