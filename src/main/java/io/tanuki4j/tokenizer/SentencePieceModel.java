package io.tanuki4j.tokenizer;

import io.tanuki4j.error.FailureSentence;
import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/**
 * A SentencePiece .model file. Field numbers: sentencepiece_model.proto of
 * github.com/google/sentencepiece.
 *
 * @param file where it was read from, for messages
 * @param bytes the whole file
 * @param pieces by id
 */
record SentencePieceModel(
    Path file, byte[] bytes, List<Piece> pieces, Trainer trainer, Normalizer normalizer) {

  static final int NONE = -1;
  static final String BLANK = "\u2581";

  /** Normalisation rules that leave already normalised characters unchanged. */
  private static final Set<String> CUTTABLE_RULES = Set.of("identity", "nfkc", "nmt_nfkc");

  private static final long MAX_FILE_SIZE = 1L << 28;

  /**
   * A vocabulary entry.
   *
   * @param text with {@code ▁} for a space
   * @param score logarithm of its probability, or the rank of its merge as a negative number
   */
  record Piece(String text, float score, Kind kind) {}

  /** Kinds in the order of their numbers, which begin at 1. */
  enum Kind {
    NORMAL,
    UNKNOWN,
    CONTROL,
    USER_DEFINED,
    UNUSED,
    BYTE
  }

  /** How the pieces of a text are found, in the order of their numbers, which begin at 1. */
  enum Algorithm {
    UNIGRAM,
    BPE,
    WORD,
    CHAR
  }

  /**
   * What the trainer recorded for the encoder.
   *
   * @param byteFallback whether unknown characters become bytes
   * @param blanksBehind whether a word's space follows it rather than precedes it
   * @param unknownText what decoding shows for the unknown piece
   * @param bosPiece name of the piece that begins a sentence
   */
  record Trainer(
      Algorithm algorithm,
      boolean byteFallback,
      boolean blanksBehind,
      String unknownText,
      String bosPiece,
      String eosPiece,
      String padPiece) {}

  /**
   * How a text is prepared.
   *
   * @param rules name of the rules, for example {@code nmt_nfkc}
   * @param charsMap the rules, compiled; empty for none
   * @param addsBlank whether each text gets a leading space
   * @param removesBlanks whether spaces at both ends are removed, and all but one between words
   * @param marksBlanks whether a space becomes {@code ▁}
   */
  record Normalizer(
      String rules,
      byte[] charsMap,
      boolean addsBlank,
      boolean removesBlanks,
      boolean marksBlanks) {}

  /** Returns whether spaces and known characters are encoded as {@link TextCuts} expects. */
  boolean isCuttable() {
    return normalizer.marksBlanks
        && !trainer.blanksBehind
        && CUTTABLE_RULES.contains(normalizer.rules);
  }

  /** Returns the id of the control piece that begins a sentence, {@link #NONE} without one. */
  int bosId() {
    return controlId(trainer.bosPiece);
  }

  /** Returns the id of the control piece that ends a sentence, {@link #NONE} without one. */
  int eosId() {
    return controlId(trainer.eosPiece);
  }

  /** Returns the id of the control piece that fills sequences, {@link #NONE} without one. */
  int padId() {
    return controlId(trainer.padPiece);
  }

  /** Returns the id of the unknown piece. */
  int unknownId() {
    return firstId(piece -> piece.kind == Kind.UNKNOWN);
  }

  /** Returns a control piece's id. As in the library, only a control piece counts. */
  private int controlId(String text) {
    return firstId(piece -> piece.kind == Kind.CONTROL && piece.text.equals(text));
  }

  private int firstId(Predicate<Piece> wanted) {
    return IntStream.range(0, pieces.size())
        .filter(id -> wanted.test(pieces.get(id)))
        .findFirst()
        .orElse(NONE);
  }

  /**
   * Reads a .model file.
   *
   * @throws UserException if there is no such file or it is damaged; the message names file and
   *     reason
   */
  static SentencePieceModel read(Path file) {
    byte[] bytes = bytesOf(file);
    try {
      return new SentencePieceModelParser(file, bytes).parse(ByteBuffer.wrap(bytes));
    } catch (UserException e) {
      throw new UserException(
          "%s: not a whole SentencePiece model (%s). Give the .model file that spm_train wrote."
              .formatted(file, e.getMessage()),
          e);
    }
  }

  private static byte[] bytesOf(Path file) {
    try {
      if (Files.size(file) > MAX_FILE_SIZE) {
        throw new UserException(
            "%s: %d bytes (expected: at most %d). Give the .model file that spm_train wrote."
                .formatted(file, Files.size(file), MAX_FILE_SIZE));
      }
      return Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      throw new UserException(file + ": no such file. Name a SentencePiece .model file.", e);
    } catch (IOException e) {
      throw new UserException(
          "%s: cannot be read (%s). Name a SentencePiece .model file."
              .formatted(file, FailureSentence.withoutFile(e)),
          e);
    }
  }
}
