package io.tanuki4j.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.error.UserException;
import io.tanuki4j.tokenizer.SentencePieceModel.Kind;
import io.tanuki4j.tokenizer.SentencePieceModel.Piece;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SentencePieceModelTest {
  @TempDir private Path folder;

  @Test
  void reads_pieces_kinds_and_special_ids() {
    SentencePieceModel model = SentencePieceModel.read(BundledCorpus.MODEL);
    assertThat(model.pieces()).hasSize(8000);
    assertThat(model.pieces().subList(0, 10))
        .containsExactly(
            new Piece("<unk>", 0, Kind.UNKNOWN),
            new Piece("<s>", 0, Kind.CONTROL),
            new Piece("</s>", 0, Kind.CONTROL),
            new Piece("<pad>", 0, Kind.CONTROL),
            new Piece("<CLS>", 0, Kind.CONTROL),
            new Piece("<SEP>", 0, Kind.CONTROL),
            new Piece("<EOD>", 0, Kind.CONTROL),
            new Piece("<MASK>", 0, Kind.CONTROL),
            new Piece("\n", 0, Kind.USER_DEFINED),
            new Piece("<0x00>", 0, Kind.BYTE));
    assertThat(List.of(model.bosId(), model.eosId(), model.padId())).containsExactly(1, 2, 3);
    assertThat(model.unknownId()).isZero();
  }

  @Test
  void reads_how_texts_are_prepared_and_cut() {
    SentencePieceModel model = SentencePieceModel.read(BundledCorpus.MODEL);
    assertThat(model.trainer().algorithm()).isEqualTo(SentencePieceModel.Algorithm.UNIGRAM);
    assertThat(model.trainer().byteFallback()).isTrue();
    assertThat(model.normalizer().rules()).isEqualTo("identity");
    assertThat(model.normalizer().charsMap()).isEmpty();
    assertThat(model.normalizer().addsBlank()).isTrue();
    assertThat(model.normalizer().removesBlanks()).isFalse();
    assertThat(model.normalizer().marksBlanks()).isTrue();
  }

  @Test
  void pieces_and_scores_are_those_of_the_trainers_listing() throws IOException {
    List<String> listing = Files.readAllLines(Path.of("tokenizer/ja_en_8k_unigram_identity.vocab"));
    List<Piece> pieces = SentencePieceModel.read(BundledCorpus.MODEL).pieces();
    Piece last = pieces.get(7999);
    assertThat(listing.get(listing.size() - 1)).startsWith(last.text() + "\t");
    String score = listing.get(listing.size() - 1).split("\t", -1)[1];
    assertThat((double) last.score()).isCloseTo(Double.parseDouble(score), within(1e-4));
  }

  @Test
  void only_a_control_piece_is_bos_eos_or_pad() throws IOException {
    byte[] bytes =
        new ModelBytes()
            .piece("<unk>", Kind.UNKNOWN)
            .piece("<s>", Kind.USER_DEFINED)
            .piece("</s>", Kind.CONTROL)
            .trainerSpec()
            .normalizerSpec(true, true)
            .toByteArray();
    SentencePieceModel model =
        SentencePieceModel.read(Files.write(folder.resolve("small.model"), bytes));
    assertThat(List.of(model.bosId(), model.eosId(), model.padId())).containsExactly(-1, 2, -1);
  }

  @Test
  void a_model_cut_anywhere_is_refused_with_its_name() throws IOException {
    byte[] whole = Files.readAllBytes(BundledCorpus.MODEL);
    Path file = folder.resolve("cut.model");
    for (int size = 0; size < whole.length - 50; size += 997) {
      Files.write(file, Arrays.copyOf(whole, size));
      assertThatExceptionOfType(UserException.class)
          .as("cut to %d bytes", size)
          .isThrownBy(() -> SentencePieceModel.read(file))
          .withMessageStartingWith(file + ": not a whole SentencePiece model (");
    }
  }

  @Test
  void foreign_files_are_refused_with_the_reason() throws IOException {
    Map<String, byte[]> reasons =
        Map.of(
            "it has no pieces",
            new byte[0],
            "a field of the unknown wire type 3 before byte 1",
            "{\"model\": 1}".getBytes(StandardCharsets.UTF_8),
            "a field of the unknown wire type 7 before byte 1",
            new byte[] {0x1f, (byte) 0x8b, 8, 0},
            "field 1 is not a message before byte 2",
            new byte[] {8, 1},
            "a number of more than 64 bits before byte 11",
            new byte[] {8, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1},
            "piece 0 is marked as a byte but has no byte's name",
            new ModelBytes().piece("<0xZZ>", Kind.BYTE).toByteArray(),
            "text that is not UTF-8 before byte 5",
            new byte[] {10, 3, 10, 1, (byte) 0xff},
            "it ends after 1 pieces",
            new ModelBytes().piece("a", Kind.NORMAL).trainerSpec().toByteArray(),
            "denormalisation rules are not supported",
            new ModelBytes().denormalizerSpec().toByteArray());
    Path file = folder.resolve("foreign.model");
    for (Map.Entry<String, byte[]> entry : reasons.entrySet()) {
      Files.write(file, entry.getValue());
      assertThatExceptionOfType(UserException.class)
          .isThrownBy(() -> SentencePieceModel.read(file))
          .withMessage(
              "%s: not a whole SentencePiece model (%s). Give the .model file that spm_train wrote.",
              file, entry.getKey());
    }
  }

  @Test
  void a_missing_file_and_a_folder_are_refused() {
    assertThatExceptionOfType(UserException.class)
        .isThrownBy(() -> SentencePieceModel.read(folder.resolve("none")))
        .withMessage("%s: no such file. Name a SentencePiece .model file.", folder.resolve("none"));
    assertThatExceptionOfType(UserException.class)
        .isThrownBy(() -> SentencePieceModel.read(folder))
        .withMessage(
            "%s: cannot be read (Is a directory). Name a SentencePiece .model file.", folder);
  }
}
