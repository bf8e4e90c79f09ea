package io.tanuki4j.tokenizer;

import io.tanuki4j.error.UserException;
import io.tanuki4j.tokenizer.SentencePieceModel.Algorithm;
import io.tanuki4j.tokenizer.SentencePieceModel.Kind;
import io.tanuki4j.tokenizer.SentencePieceModel.Normalizer;
import io.tanuki4j.tokenizer.SentencePieceModel.Piece;
import io.tanuki4j.tokenizer.SentencePieceModel.Trainer;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Reads one model; the initial values are the defaults of absent fields. */
final class SentencePieceModelParser {

  private final Path file;
  private final byte[] bytes;
  private final List<Piece> pieces = new ArrayList<>();
  private boolean hasTrainerSpec;
  private boolean hasNormalizerSpec;
  private Algorithm algorithm = Algorithm.UNIGRAM;
  private boolean byteFallback;
  private boolean blanksBehind;
  private String unknownText = " \u2047 ";
  private String bosPiece = "<s>";
  private String eosPiece = "</s>";
  private String padPiece = "<pad>";
  private String rules = "";
  private byte[] charsMap = {};
  private boolean addsBlank = true;
  private boolean removesBlanks = true;
  private boolean marksBlanks = true;

  SentencePieceModelParser(Path file, byte[] bytes) {
    this.file = file;
    this.bytes = bytes;
  }

  SentencePieceModel parse(ByteBuffer content) {
    ProtoReader model = new ProtoReader(content);
    while (model.next()) {
      switch (model.field()) {
        case 1 -> pieces.add(piece(model.message()));
        case 2 -> readTrainerSpec(model.message());
        case 3 -> readNormalizerSpec(model.message());
        case 5 -> rejectDenormalizer(model.message());
        default -> {} // The self-test samples and extensions do not change encoding or decoding.
      }
    }
    requireAllParts();
    return new SentencePieceModel(
        file,
        bytes,
        List.copyOf(pieces),
        new Trainer(
            algorithm, byteFallback, blanksBehind, unknownText, bosPiece, eosPiece, padPiece),
        new Normalizer(rules, charsMap, addsBlank, removesBlanks, marksBlanks));
  }

  private Piece piece(ProtoReader message) {
    String text = "";
    float score = 0;
    Kind kind = Kind.NORMAL;
    while (message.next()) {
      switch (message.field()) {
        case 1 -> text = message.text();
        case 2 -> score = message.float32();
        case 3 -> kind = kind(message.number());
        default -> {} // Extensions.
      }
    }
    if (kind == Kind.BYTE && !text.matches("<0x[0-9A-F]{2}>")) {
      throw new UserException(
          "piece %d is marked as a byte but has no byte's name".formatted(pieces.size()));
    }
    return new Piece(text, score, kind);
  }

  private Kind kind(long number) {
    if (number < 1 || number > Kind.values().length) {
      throw new UserException("piece %d has the unknown kind %d".formatted(pieces.size(), number));
    }
    return Kind.values()[(int) number - 1];
  }

  private static Algorithm algorithm(long number) {
    if (number < 1 || number > Algorithm.values().length) {
      throw new UserException("the unknown kind of model " + number);
    }
    return Algorithm.values()[(int) number - 1];
  }

  private void readTrainerSpec(ProtoReader spec) {
    hasTrainerSpec = true;
    while (spec.next()) {
      switch (spec.field()) {
        case 3 -> algorithm = algorithm(spec.number());
        case 24 -> blanksBehind = spec.flag();
        case 35 -> byteFallback = spec.flag();
        case 44 -> unknownText = spec.text();
        case 46 -> bosPiece = spec.text();
        case 47 -> eosPiece = spec.text();
        case 48 -> padPiece = spec.text();
        default -> {} // How the model was trained.
      }
    }
  }

  private void readNormalizerSpec(ProtoReader spec) {
    hasNormalizerSpec = true;
    while (spec.next()) {
      switch (spec.field()) {
        case 1 -> rules = spec.text();
        case 2 -> charsMap = spec.bytes();
        case 3 -> addsBlank = spec.flag();
        case 4 -> removesBlanks = spec.flag();
        case 5 -> marksBlanks = spec.flag();
        default -> {} // The rules in their source form.
      }
    }
  }

  private static void rejectDenormalizer(ProtoReader spec) {
    while (spec.next()) {
      if (spec.field() == 2 && spec.bytes().length > 0) {
        throw new UserException("denormalisation rules are not supported");
      }
    }
  }

  private void requireAllParts() {
    if (pieces.isEmpty()) {
      throw new UserException("it has no pieces");
    }
    if (!hasTrainerSpec || !hasNormalizerSpec) {
      throw new UserException("it ends after %d pieces".formatted(pieces.size()));
    }
  }
}
