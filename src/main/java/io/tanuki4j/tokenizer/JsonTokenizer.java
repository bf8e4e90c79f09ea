package io.tanuki4j.tokenizer;

import io.tanuki4j.tokenizer.HuggingFaceFiles.Roles;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** A tokenizer that Hugging Face's library runs. Thread-safe. */
final class JsonTokenizer implements Tokenizer {
  /** What goes in front of each text. */
  enum Front {
    NOTHING,
    BOS,

    /** What the tokenizer.json says, which may also follow the text. */
    TEMPLATE
  }

  /**
   * The components of one kind of tokenizer.
   *
   * @param json content of a tokenizer.json
   * @param pieces by id
   * @param roles with an eos, which ends documents, and with a bos if that goes in front
   * @param exported what a Hugging Face folder gets
   */
  record Parts(
      String source, byte[] json, List<String> pieces, Roles roles, HuggingFaceFiles exported) {}

  private final HuggingFaceCodec codec;
  private final Parts parts;
  private final Front front;
  private final Map<String, Object> cacheIdentity;

  JsonTokenizer(Parts parts, Front front, Map<String, Object> cacheIdentity) {
    this.parts = parts;
    this.front = front;
    this.cacheIdentity = cacheIdentity;
    codec = new HuggingFaceCodec(parts.source, parts.json);
  }

  @Override
  public int vocabSize() {
    return parts.pieces.size();
  }

  @Override
  public int eodId() {
    return Objects.requireNonNull(parts.roles.eos(), "eos");
  }

  @Override
  public boolean isSpecial(int id) {
    return codec.isSpecial(id);
  }

  @Override
  public int[] encode(String text) {
    int[] ids = front == Front.TEMPLATE ? codec.encodeInTemplate(text) : codec.encode(text);
    if (front != Front.BOS) {
      return ids;
    }
    int[] withBos = new int[ids.length + 1];
    withBos[0] = Objects.requireNonNull(parts.roles.bos(), "bos");
    System.arraycopy(ids, 0, withBos, 1, ids.length);
    return withBos;
  }

  @Override
  public String decode(int[] ids) {
    Ids.requireBelow(ids, vocabSize());
    return codec.decode(ids);
  }

  @Override
  public Map<String, Object> cacheIdentity() {
    return cacheIdentity;
  }

  @Override
  public List<String> pieces() {
    return parts.pieces;
  }

  @Override
  public HuggingFaceFiles toHuggingFace(int maxTokens, boolean checked) {
    return parts.exported;
  }

  @Override
  public void close() {
    codec.close();
  }
}
