package io.tanuki4j.tokenizer;

import io.tanuki4j.error.UserException;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.StringTokenizer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A tokenizer without a vocabulary: a text is ids separated by spaces. There are N ids and one more
 * that ends documents.
 */
final class NullTokenizer implements Tokenizer {
  private static final int MAX_SHOWN = 20;

  private final int numIds;

  /**
   * Takes ids from 0 on.
   *
   * @param numIds number of ids without the end-of-document id
   */
  NullTokenizer(int numIds) {
    this.numIds = numIds;
  }

  /**
   * Opens Megatron's NullTokenizer.
   *
   * @throws UserException if the number of ids is missing or invalid
   */
  static Tokenizer open(TokenizerConfig config) {
    Integer vocabSize = config.vocabSize();
    if (vocabSize == null || vocabSize < 1 || vocabSize == Integer.MAX_VALUE) {
      throw new UserException(
          "--vocab-size: %s (expected: a number of ids above 0 for --tokenizer-type NullTokenizer)."
                  .formatted(vocabSize == null ? "not given" : vocabSize)
              + " Give one.");
    }
    return new NullTokenizer(vocabSize);
  }

  @Override
  public int vocabSize() {
    return numIds + 1;
  }

  @Override
  public int eodId() {
    return numIds;
  }

  @Override
  public boolean isSpecial(int id) {
    return id == numIds;
  }

  /**
   * Returns the ids that the words spell.
   *
   * @throws UserException if a word is not an id
   */
  @Override
  public int[] encode(String text) {
    StringTokenizer words = new StringTokenizer(text);
    int[] ids = new int[words.countTokens()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = id(words.nextToken());
    }
    Ids.requireBelow(ids, vocabSize());
    return ids;
  }

  private static int id(String word) {
    try {
      return Integer.parseInt(word);
    } catch (NumberFormatException e) {
      throw new UserException(
          "the word '%s' is not an integer (expected: ids with blanks between, as --tokenizer-type"
                  .formatted(word.length() > MAX_SHOWN ? word.substring(0, MAX_SHOWN) + "…" : word)
              + " NullTokenizer reads them).",
          e);
    }
  }

  @Override
  public String decode(int[] ids) {
    Ids.requireBelow(ids, vocabSize());
    return Arrays.stream(ids).mapToObj(Integer::toString).collect(Collectors.joining(" "));
  }

  @Override
  public Map<String, Object> cacheIdentity() {
    Map<String, Object> identity = new LinkedHashMap<>();
    identity.put("class", "_NullTokenizer");
    identity.put("tokenizer_path", Collections.singletonList(null));
    identity.put("vocab_size", Integer.toString(numIds));
    return identity;
  }

  @Override
  public List<String> pieces() {
    return IntStream.range(0, vocabSize()).mapToObj(Integer::toString).toList();
  }

  @Override
  public HuggingFaceFiles toHuggingFace(int maxTokens, boolean checked) {
    throw new UserException(
        "NullTokenizer: it has no text, so no files (expected: a tokenizer with a model). Convert"
            + " without --tokenizer-type.");
  }

  @Override
  public void close() {}
}
