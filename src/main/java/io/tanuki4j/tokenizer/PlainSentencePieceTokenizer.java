package io.tanuki4j.tokenizer;

import io.tanuki4j.error.UserException;
import io.tanuki4j.tokenizer.HuggingFaceFiles.Roles;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Uses the ids of a SentencePiece model unchanged; documents end with its eos piece. This is
 * Megatron's GPTSentencePieceTokenizer, and Llama2Tokenizer, which begins every text with the bos
 * piece.
 */
final class PlainSentencePieceTokenizer implements Tokenizer {
  private final SentencePieceCodec codec;
  private final String megatronClass;
  private final boolean prependBos;
  private final List<String> pieces;
  private final int bosId;
  private final int eosId;

  private PlainSentencePieceTokenizer(
      SentencePieceCodec codec, String megatronClass, boolean prependBos) {
    this.codec = codec;
    this.megatronClass = megatronClass;
    this.prependBos = prependBos;
    pieces = codec.pieces();
    bosId = codec.model().bosId();
    eosId = codec.model().eosId();
  }

  static Tokenizer gpt(SentencePieceModel model) {
    requireControl(model, model.eosId(), "eos (</s>), which ends documents");
    return new PlainSentencePieceTokenizer(
        new SentencePieceCodec(model), "_GPTSentencePieceTokenizer", false);
  }

  static Tokenizer llama2(SentencePieceModel model) {
    requireControl(model, model.eosId(), "eos (</s>), which ends documents");
    requireControl(model, model.bosId(), "bos (<s>), which begins texts");
    return new PlainSentencePieceTokenizer(new SentencePieceCodec(model), "_Llama2Tokenizer", true);
  }

  @Override
  public int vocabSize() {
    return pieces.size();
  }

  @Override
  public int eodId() {
    return eosId;
  }

  @Override
  public boolean isSpecial(int id) {
    return codec.isSpecial(id);
  }

  @Override
  public int[] encode(String text) {
    int[] ids = codec.encode(text);
    if (!prependBos) {
      return ids;
    }
    int[] withBos = new int[ids.length + 1];
    withBos[0] = bosId;
    System.arraycopy(ids, 0, withBos, 1, ids.length);
    return withBos;
  }

  @Override
  public String decode(int[] ids) {
    Ids.requireBelow(ids, vocabSize());
    return codec.decode(ids, 0, ids.length);
  }

  @Override
  public Map<String, Object> cacheIdentity() {
    Map<String, Object> identity = new LinkedHashMap<>();
    identity.put("class", megatronClass);
    identity.put("tokenizer_path", List.of(codec.model().file().toString()));
    // Both inherit the option of the class with extra ids and pass its default.
    identity.put("vocab_extra_ids", "0");
    return identity;
  }

  @Override
  public List<String> pieces() {
    return pieces;
  }

  @Override
  public HuggingFaceFiles toHuggingFace(int maxTokens, boolean checked) {
    SentencePieceModel model = codec.model();
    HuggingFaceFiles files =
        new SentencePieceExport(
                model,
                pieces,
                Map.of(),
                new Roles(idOrNull(bosId), eosId, idOrNull(model.padId())),
                prependBos)
            .files(maxTokens);
    if (checked) {
      new TokenizerComparison(model, Map.of()).requireSame(codec::encode, this::decode, files);
    }
    return files;
  }

  private static @Nullable Integer idOrNull(int id) {
    return id == SentencePieceModel.NONE ? null : id;
  }

  @Override
  public void close() {
    codec.close();
  }

  private static void requireControl(SentencePieceModel model, int id, String role) {
    if (id == SentencePieceModel.NONE) {
      throw new UserException(
          "%s: the model has no control piece for %s. Use --tokenizer-type SentencePieceTokenizer."
              .formatted(model.file(), role));
    }
  }
}
