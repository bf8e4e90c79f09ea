package io.tanuki4j.tokenizer;

import ai.djl.engine.EngineException;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import io.tanuki4j.error.UserException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;

/**
 * Encodes and decodes by a {@code tokenizer.json} with Hugging Face's own library. Texts may have
 * any length. Thread-safe.
 */
final class HuggingFaceCodec implements AutoCloseable {
  /** Otherwise the library truncates every text at 512 ids and applies the template. */
  private static final Map<String, String> PLAIN =
      Map.of("truncation", "false", "padding", "false", "addSpecialTokens", "false");

  private final HuggingFaceTokenizer library;
  private final NativeLifetime lifetime;

  /**
   * Loads a tokenizer.
   *
   * @param source of the content, for messages
   * @param json content of a tokenizer.json
   * @throws UserException if the library rejects it
   * @throws UncheckedIOException if the library cannot be unpacked or is not for this machine
   */
  HuggingFaceCodec(String source, byte[] json) {
    library = load(source, json);
    lifetime = new NativeLifetime("the tokenizer of " + source, library::close);
  }

  /**
   * Returns the ids of a text.
   *
   * @throws UserException if the text holds half of a surrogate pair
   */
  int[] encode(String text) {
    UnicodeText.requireWholeCharacters(text);
    return lifetime.whileOpen(() -> ids(text, false));
  }

  /** Returns the ids of a text with those that the file's template puts around it. */
  int[] encodeInTemplate(String text) {
    UnicodeText.requireWholeCharacters(text);
    return lifetime.whileOpen(() -> ids(text, true));
  }

  /** Returns the ids only: the library's own method also makes a string of every token. */
  private int[] ids(String text, boolean inTemplate) {
    TokenizersLibrary calls = TokenizersLibrary.LIB;
    long encoding = calls.encode(library.getHandle(), text, inTemplate);
    try {
      return Arrays.stream(calls.getTokenIds(encoding)).mapToInt(Math::toIntExact).toArray();
    } finally {
      calls.deleteEncoding(encoding);
    }
  }

  /** Returns the text of ids, special tokens included. */
  String decode(int[] ids) {
    return decode(ids, false);
  }

  /** Returns whether the library leaves an id out of texts that are for people. */
  boolean isSpecial(int id) {
    int[] alone = {id};
    return decode(alone, true).isEmpty() && !decode(alone, false).isEmpty();
  }

  private String decode(int[] ids, boolean withoutSpecial) {
    long[] wide = Arrays.stream(ids).asLongStream().toArray();
    return lifetime.whileOpen(
        () -> TokenizersLibrary.LIB.decode(library.getHandle(), wide, withoutSpecial));
  }

  @Override
  public void close() {
    lifetime.close();
  }

  private static HuggingFaceTokenizer load(String source, byte[] json) {
    NativeLibraries.stayOffline();
    try {
      return HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(json), PLAIN);
    } catch (EngineException | IllegalStateException | LinkageError e) {
      throw NativeLibraries.unavailable("The tokenizers library", e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (RuntimeException e) {
      throw new UserException(
          "%s: Hugging Face's tokenizers library refuses it (%s). Give a tokenizer.json as transformers writes it."
              .formatted(source, Objects.requireNonNullElse(e.getMessage(), "no reason given")),
          e);
    }
  }
}
