package io.tanuki4j.tokenizer;

import io.tanuki4j.error.UserException;
import java.util.List;
import java.util.Map;

/** Encodes text into ids and decodes it. Thread-safe. */
public interface Tokenizer extends AutoCloseable {
  /**
   * Returns the number of ids, special ones included; the padded vocabulary is at least this large.
   */
  int vocabSize();

  /** Returns the id that ends a document. */
  int eodId();

  /** Returns whether an id is a mark, such as the one that begins documents, and spells no text. */
  boolean isSpecial(int id);

  /**
   * Returns the ids of a text, without an end-of-document id.
   *
   * @throws UserException if the text is not one that this tokenizer reads; the message says why
   *     and names no file
   */
  int[] encode(String text);

  /**
   * Returns the text of ids.
   *
   * @throws UserException if an id is not in [0, vocabSize)
   */
  String decode(int[] ids);

  /**
   * Returns what identifies this tokenizer in Megatron's cache of sample orders: {@code class},
   * {@code tokenizer_path} and the options, in this order. Values are strings, or lists of strings
   * and nulls (JSON's null).
   */
  Map<String, Object> cacheIdentity();

  /** Returns the piece of text behind each id, for files that other programs read. */
  List<String> pieces();

  /**
   * Returns the files from which Hugging Face's transformers reads the same ids.
   *
   * @param maxTokens longest text that the model sees
   * @param checked whether to compare their results on sample texts with this tokenizer's
   * @throws io.tanuki4j.error.UserException if there are none, or they differ
   */
  HuggingFaceFiles toHuggingFace(int maxTokens, boolean checked);

  @Override
  void close();
}
