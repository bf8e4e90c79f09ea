package io.tanuki4j.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.tokenizer.SentencePieceVocabulary.ScoredPiece;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SentencePieceVocabularyTest {
  private static final Path MODEL = Path.of("tokenizer/ja_en_8k_unigram_identity.model");
  private static final Path LISTING = Path.of("tokenizer/ja_en_8k_unigram_identity.vocab");

  @TempDir Path folder;

  @Test
  void pieces_and_scores_are_those_of_the_trainers_listing() throws IOException {
    SentencePieceVocabulary vocabulary = SentencePieceVocabulary.read(MODEL);
    assertThat(Files.readString(LISTING)).startsWith("<unk>\t0");
    assertThat(vocabulary.pieces())
        .hasSize(8000)
        .startsWith(
            new ScoredPiece("<unk>", 0, false),
            new ScoredPiece("<s>", 0, true),
            new ScoredPiece("</s>", 0, true));
    String[] last =
        Files.readAllLines(LISTING).get(Files.readAllLines(LISTING).size() - 1).split("\t", -1);
    ScoredPiece piece = vocabulary.pieces().get(7999);
    assertThat(piece.text()).isEqualTo(last[0]);
    assertThat((double) piece.score()).isCloseTo(Double.parseDouble(last[1]), within(1e-4));
  }

  @Test
  void tells_how_texts_are_prepared() throws IOException {
    SentencePieceVocabulary vocabulary = SentencePieceVocabulary.read(MODEL);
    assertThat(vocabulary.unigram()).isTrue();
    assertThat(vocabulary.plainText()).isTrue();
    assertThat(vocabulary.addsBlank()).isTrue();
    assertThat(vocabulary.byteFallback()).isTrue();
    assertThat(vocabulary.unknownId()).isZero();
  }

  @Test
  void names_a_damaged_file() throws IOException {
    Path file = folder.resolve("cut.model");
    Files.write(file, Arrays.copyOf(Files.readAllBytes(MODEL), 999));
    assertThatThrownBy(() -> SentencePieceVocabulary.read(file))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(file + ": not a whole SentencePiece model (");
  }
}
