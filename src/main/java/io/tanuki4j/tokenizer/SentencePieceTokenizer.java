package io.tanuki4j.tokenizer;

import io.tanuki4j.tokenizer.HuggingFaceFiles.Roles;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Megatron's SentencePieceTokenizer as it was until 2026: a model plus special tokens, which get
 * the ids after the model's unless it has such pieces. The special tokens are matched in texts
 * before SentencePiece sees them. Each part between them is encoded as a separate text. Documents
 * end with {@code <EOD>}.
 */
final class SentencePieceTokenizer implements Tokenizer {
  private static final String EOD = "<EOD>";

  private final SentencePieceCodec codec;
  private final int extraIds;
  private final Map<String, Integer> specials = new LinkedHashMap<>();
  private final List<String> pieces;
  private final int eodId;
  private final @Nullable String[] specialById;
  private final SpecialTokenSearch search;

  /**
   * Adds special tokens to a model.
   *
   * @param extraIds number of tokens {@code <extra_id_k>}
   */
  SentencePieceTokenizer(SentencePieceModel model, int extraIds) {
    this.extraIds = extraIds;
    codec = new SentencePieceCodec(model);
    Map<String, Integer> ids = new LinkedHashMap<>();
    codec.pieces().forEach(piece -> ids.put(piece, ids.size()));
    for (String token : specialTokens(model, extraIds)) {
      Integer known = ids.putIfAbsent(token, ids.size());
      specials.put(token, known == null ? ids.size() - 1 : known);
    }
    pieces = List.copyOf(ids.keySet());
    eodId = pieces.indexOf(EOD);
    specialById = new String[pieces.size()];
    specials.forEach((token, id) -> specialById[id] = token);
    search = new SpecialTokenSearch(specials);
  }

  private static List<String> specialTokens(SentencePieceModel model, int extraIds) {
    List<String> tokens = new ArrayList<>(List.of("<CLS>", "<SEP>", EOD, "<MASK>"));
    tokens.add(padToken(model));
    tokens.add(bosToken(model));
    tokens.add(pieceOr(model, model.eosId(), "<EOS>"));
    for (int i = 0; i < extraIds; i++) {
      tokens.add("<extra_id_" + i + ">");
    }
    return tokens;
  }

  private static String padToken(SentencePieceModel model) {
    return pieceOr(model, model.padId(), "<PAD>");
  }

  private static String bosToken(SentencePieceModel model) {
    return pieceOr(model, model.bosId(), "<BOS>");
  }

  private static String pieceOr(SentencePieceModel model, int id, String name) {
    return id == SentencePieceModel.NONE ? name : model.pieces().get(id).text();
  }

  @Override
  public int vocabSize() {
    return pieces.size();
  }

  @Override
  public int eodId() {
    return eodId;
  }

  @Override
  public boolean isSpecial(int id) {
    return specialById[id] != null || codec.isSpecial(id);
  }

  @Override
  public int[] encode(String text) {
    List<int[]> parts = new ArrayList<>();
    int from = 0;
    for (SpecialTokenSearch.Match match : search.in(text)) {
      parts.add(codec.encode(text.substring(from, match.start())));
      parts.add(new int[] {match.id()});
      from = match.end();
    }
    int[] last = codec.encode(from == 0 ? text : text.substring(from));
    if (parts.isEmpty()) {
      return last;
    }
    parts.add(last);
    return Ids.concatenate(parts);
  }

  /** Decodes ids. Special tokens are surrounded by spaces, as in Megatron. */
  @Override
  public String decode(int[] ids) {
    Ids.requireBelow(ids, vocabSize());
    StringBuilder text = new StringBuilder();
    int from = 0;
    for (int i = 0; i < ids.length; i++) {
      String special = specialById[ids[i]];
      if (special != null) {
        text.append(codec.decode(ids, from, i)).append(' ').append(special).append(' ');
        from = i + 1;
      }
    }
    return text.append(codec.decode(ids, from, ids.length)).toString();
  }

  @Override
  public Map<String, Object> cacheIdentity() {
    Map<String, Object> identity = new LinkedHashMap<>();
    identity.put("class", "_SentencePieceTokenizer");
    identity.put("tokenizer_path", List.of(codec.model().file().toString()));
    identity.put("vocab_extra_ids", Integer.toString(extraIds));
    return identity;
  }

  @Override
  public List<String> pieces() {
    return pieces;
  }

  @Override
  public HuggingFaceFiles toHuggingFace(int maxTokens, boolean checked) {
    SentencePieceModel model = codec.model();
    Roles roles = new Roles(specials.get(bosToken(model)), eodId, specials.get(padToken(model)));
    HuggingFaceFiles files =
        new SentencePieceExport(model, pieces, specials, roles, false).files(maxTokens);
    if (checked) {
      new TokenizerComparison(model, specials).requireSame(this::encode, this::decode, files);
    }
    return files;
  }

  @Override
  public void close() {
    codec.close();
  }
}
