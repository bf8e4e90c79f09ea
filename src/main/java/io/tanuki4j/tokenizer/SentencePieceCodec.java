package io.tanuki4j.tokenizer;

import ai.djl.engine.EngineException;
import ai.djl.sentencepiece.SpTokenizer;
import io.tanuki4j.error.UserException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Encodes text into a SentencePiece model's own ids: with {@link UnigramEncoder}, which is several
 * times as fast as the native library, or with the library where that does not know the model.
 * Decodes with {@link SentencePieceDecoder}, because the library's Java binding loses characters
 * beyond U+FFFF. Thread-safe.
 */
final class SentencePieceCodec implements AutoCloseable {
  static final int PART_SIZE = 1 << 18;

  /** Characters for which the heap has room: up to 48 bytes each. */
  private static final int HEAP_SIZE = 1 << 16;

  private final SentencePieceModel model;
  private final SentencePieceDecoder decoder;
  private final SpTokenizer library;
  private final NativeLifetime lifetime;
  private volatile @Nullable Optional<UnigramEncoder> unigram;
  private @Nullable TextCuts cuts;

  /**
   * Loads a model.
   *
   * @throws UserException if the library rejects the model
   * @throws UncheckedIOException if the library cannot be unpacked or is not for this machine
   */
  SentencePieceCodec(SentencePieceModel model) {
    this.model = model;
    decoder = new SentencePieceDecoder(model);
    library = load(model);
    lifetime = new NativeLifetime("the tokenizer of " + model.file(), library::close);
  }

  SentencePieceModel model() {
    return model;
  }

  /** Returns the text of every piece, by id. */
  List<String> pieces() {
    return model.pieces().stream().map(SentencePieceModel.Piece::text).toList();
  }

  /** Returns whether an id is a mark or stands for what the model cannot spell. */
  boolean isSpecial(int id) {
    return switch (model.pieces().get(id).kind()) {
      case CONTROL, UNKNOWN, UNUSED -> true;
      case NORMAL, USER_DEFINED, BYTE -> false;
    };
  }

  /**
   * Returns the ids of a text. A text of more than {@link #PART_SIZE} characters is encoded in
   * parts: the library sums a text's scores in fp32, so in a longer text rounding may choose other
   * pieces of almost equal score.
   *
   * @throws UserException if the text holds half of a surrogate pair
   */
  int[] encode(String text) {
    UnicodeText.requireWholeCharacters(text);
    return lifetime.whileOpen(
        () ->
            text.length() <= PART_SIZE || !model.isCuttable()
                ? encodeWhole(text)
                : encodeInParts(text, PART_SIZE));
  }

  /**
   * Returns the cuts. They are built for the first long text, since they are as large as the
   * vocabulary.
   */
  private synchronized TextCuts cuts() {
    if (cuts == null) {
      cuts = new TextCuts(model);
    }
    return cuts;
  }

  /** Encodes longer texts with the library, whose memory is outside the heap: the same ids. */
  private int[] encodeWhole(String text) {
    if (text.length() > HEAP_SIZE) {
      return library.getProcessor().encode(text);
    }
    Optional<UnigramEncoder> known = unigram;
    UnigramEncoder encoder = (known == null ? findEncoder() : known).orElse(null);
    return encoder == null ? library.getProcessor().encode(text) : encoder.encode(text);
  }

  /** Returns the encoder. It is built for the first text, since many only need the decoder. */
  private synchronized Optional<UnigramEncoder> findEncoder() {
    Optional<UnigramEncoder> known = unigram;
    if (known == null) {
      known = UnigramEncoder.of(model);
      unigram = known;
    }
    return known;
  }

  /** Encodes at least {@code partSize} characters at a time. */
  int[] encodeInParts(String text, int partSize) {
    TextCuts cuts = cuts();
    List<int[]> parts = new ArrayList<>();
    int from = 0;
    boolean wantsBlank = true;
    while (from < text.length()) {
      int to = cuts.next(text, Math.min(from + partSize, text.length()));
      int[] ids = encodeWhole(text.substring(from, to));
      // The library begins each part with a space; between characters it does not belong there.
      parts.add(wantsBlank ? ids : Arrays.copyOfRange(ids, 1, ids.length));
      boolean isBlank = to < text.length() && text.charAt(to) == ' ';
      wantsBlank = isBlank || !model.normalizer().addsBlank();
      from = isBlank ? to + 1 : to;
    }
    return Ids.concatenate(parts);
  }

  /** Returns the text of {@code ids[from .. to)}, which must be ids of the model. */
  String decode(int[] ids, int from, int to) {
    return decoder.decode(ids, from, to);
  }

  @Override
  public void close() {
    lifetime.close();
  }

  private static SpTokenizer load(SentencePieceModel model) {
    NativeLibraries.stayOffline();
    try {
      return new SpTokenizer(model.bytes());
    } catch (EngineException e) {
      if (e.getCause() != null) {
        throw NativeLibraries.unavailable("SentencePiece", e);
      }
      throw new UserException(
          "%s: SentencePiece refuses this model (%s). Give the .model file that spm_train wrote."
              .formatted(model.file(), reason(e)),
          e);
    } catch (IllegalStateException | LinkageError e) {
      throw NativeLibraries.unavailable("SentencePiece", e);
    }
  }

  /** Returns the library's message without its status, source file and unprintable characters. */
  private static String reason(EngineException e) {
    String reason =
        String.valueOf(e.getMessage())
            .replaceFirst("^Internal: (/\\S+ \\[.*] ?)?", "")
            .replaceAll("\\p{Cntrl}", "?")
            .replaceFirst("\\.$", "");
    return reason.isEmpty() ? "its fields are damaged" : reason;
  }
}
