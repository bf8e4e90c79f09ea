package io.tanuki4j.tokenizer;

import io.tanuki4j.tokenizer.SentencePieceModel.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What other libraries need to rebuild a SentencePiece model: pieces with their scores, and how
 * texts are prepared. {@link Tokenizers} checks a model first; this only reads it.
 *
 * @param pieces by id
 * @param unigram whether the pieces of a text are chosen by their scores' sum; otherwise by merging
 * @param plainText whether texts are taken as they are: no normalisation, no blanks removed, blanks
 *     marked in front of words
 * @param addsBlank whether each text gets a blank in front
 * @param byteFallback whether unknown characters become bytes
 * @param unknownId id of the unknown piece
 */
public record SentencePieceVocabulary(
    List<ScoredPiece> pieces,
    boolean unigram,
    boolean plainText,
    boolean addsBlank,
    boolean byteFallback,
    int unknownId) {

  /**
   * A piece with {@code ▁} for a blank.
   *
   * @param score logarithm of its probability, for a unigram model
   * @param control whether it never comes from text
   */
  public record ScoredPiece(String text, float score, boolean control) {}

  /**
   * @throws IllegalArgumentException if the model is damaged
   */
  public static SentencePieceVocabulary read(Path file) throws IOException {
    try {
      return new Parser().parse(new ProtoReader(ByteBuffer.wrap(Files.readAllBytes(file))));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "%s: not a whole SentencePiece model (%s). Give the .model file that spm_train wrote."
              .formatted(file, e.getMessage()),
          e);
    }
  }

  /** Field numbers: sentencepiece_model.proto; the initial values are its defaults. */
  private static final class Parser {
    private static final int UNIGRAM = 1;

    private final List<ScoredPiece> pieces = new ArrayList<>();
    private long modelType = UNIGRAM;
    private boolean byteFallback;
    private boolean blanksBehind;
    private boolean hasRules;
    private boolean addsBlank = true;
    private boolean removesBlanks = true;
    private boolean marksBlanks = true;
    private int unknownId;

    SentencePieceVocabulary parse(ProtoReader model) {
      while (model.next()) {
        switch (model.field()) {
          case 1 -> readPiece(model.message());
          case 2 -> readTrainerSpec(model.message());
          case 3 -> readNormalizerSpec(model.message());
          default -> {} // Self-tests and extensions.
        }
      }
      boolean plainText = !hasRules && !removesBlanks && marksBlanks && !blanksBehind;
      return new SentencePieceVocabulary(
          List.copyOf(pieces), modelType == UNIGRAM, plainText, addsBlank, byteFallback, unknownId);
    }

    private void readPiece(ProtoReader message) {
      String text = "";
      float score = 0;
      long kind = 1;
      while (message.next()) {
        switch (message.field()) {
          case 1 -> text = message.text();
          case 2 -> score = message.float32();
          case 3 -> kind = message.number();
          default -> {} // Extensions.
        }
      }
      if (kind == Kind.UNKNOWN.ordinal() + 1) {
        unknownId = pieces.size();
      }
      pieces.add(new ScoredPiece(text, score, kind == Kind.CONTROL.ordinal() + 1));
    }

    private void readTrainerSpec(ProtoReader spec) {
      while (spec.next()) {
        switch (spec.field()) {
          case 3 -> modelType = spec.number();
          case 24 -> blanksBehind = spec.flag();
          case 35 -> byteFallback = spec.flag();
          default -> {} // How the model was trained.
        }
      }
    }

    private void readNormalizerSpec(ProtoReader spec) {
      while (spec.next()) {
        switch (spec.field()) {
          case 2 -> hasRules = spec.length() > 0;
          case 3 -> addsBlank = spec.flag();
          case 4 -> removesBlanks = spec.flag();
          case 5 -> marksBlanks = spec.flag();
          default -> {} // Names of rules.
        }
      }
    }
  }
}
