package io.tanuki4j.tokenizer;

import io.tanuki4j.error.UserException;
import java.util.List;
import java.util.Map;

/** Text to ids and back. Thread-safe. */
public interface Tokenizer extends AutoCloseable {
  /** Number of ids, special ones included; the padded vocabulary is at least this large. */
  int vocabSize();

  /** The id that ends a document. */
  int eodId();

  /**
   * Ids of a text, without an end-of-document id.
   *
   * @throws UserException if the text is not one that this tokenizer reads; the message says why,
   *     and names no file
   */
  int[] encode(String text);

  /**
   * @throws UserException if an id is not in [0, vocabSize)
   */
  String decode(int[] ids);

  /**
   * What names this tokenizer in Megatron's cache of sample orders: {@code class}, {@code
   * tokenizer_path} and the options, in this order. Values are strings, or lists of strings and
   * nulls (JSON's null).
   */
  Map<String, Object> cacheIdentity();

  /** The piece of text behind each id, for files that other programs read. */
  List<String> pieces();

  /**
   * Returns the files from which Hugging Face's transformers reads the same ids.
   *
   * @param maxTokens longest text that the model sees
   * @param checked whether to compare what they make of texts with what this makes of them
   * @throws io.tanuki4j.error.UserException if there are none, or they differ
   */
  HuggingFaceFiles toHuggingFace(int maxTokens, boolean checked);

  @Override
  void close();
}
