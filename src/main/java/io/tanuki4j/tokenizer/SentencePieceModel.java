package io.tanuki4j.tokenizer;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;

/**
 * What a SentencePiece .model file says and the native library does not tell. Field numbers:
 * sentencepiece_model.proto of github.com/google/sentencepiece.
 *
 * @param file where it was read from, for messages
 * @param bytes the whole file
 * @param pieces by id
 * @param unknownText what decoding shows for the unknown piece
 * @param dropsFirstBlank whether the blank that encoding puts before a text goes when decoding
 * @param dropsLeadingBlanks whether all blanks before the text go
 * @param addsBlank whether encoding puts a blank before a text
 * @param isCuttable whether blanks and known characters are encoded as {@link TextCuts} expects
 * @param bosId id of the control piece that begins a sentence, -1 if there is none. Likewise eos
 *     and pad
 */
record SentencePieceModel(
    Path file,
    byte[] bytes,
    List<Piece> pieces,
    String unknownText,
    boolean dropsFirstBlank,
    boolean dropsLeadingBlanks,
    boolean addsBlank,
    boolean isCuttable,
    int bosId,
    int eosId,
    int padId) {

  static final int NONE = -1;
  private static final long MAX_FILE_SIZE = 1L << 28;

  /** A vocabulary entry: its text, with {@code ▁} for a blank, and its kind. */
  record Piece(String text, Kind kind) {}

  /** Kinds in the order of their numbers, which begin at 1. */
  enum Kind {
    NORMAL,
    UNKNOWN,
    CONTROL,
    USER_DEFINED,
    UNUSED,
    BYTE
  }

  /**
   * Reads a .model file.
   *
   * @throws IllegalArgumentException if there is no such file or it is damaged; the message names
   *     file and reason
   */
  static SentencePieceModel read(Path file) {
    byte[] bytes = bytesOf(file);
    try {
      return new SentencePieceModelParser(file, bytes).parse(ByteBuffer.wrap(bytes));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "%s: not a whole SentencePiece model (%s). Give the .model file that spm_train wrote."
              .formatted(file, e.getMessage()),
          e);
    }
  }

  private static byte[] bytesOf(Path file) {
    try {
      if (Files.size(file) > MAX_FILE_SIZE) {
        throw new IllegalArgumentException(
            "%s: %d bytes (expected: at most %d). Give the .model file that spm_train wrote."
                .formatted(file, Files.size(file), MAX_FILE_SIZE));
      }
      return Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      throw new IllegalArgumentException(
          file + ": no such file. Name a SentencePiece .model file.", e);
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "%s: cannot be read (%s). Name a SentencePiece .model file."
              .formatted(file, e.getMessage()),
          e);
    }
  }
}
