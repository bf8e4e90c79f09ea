package io.tanuki4j.tokenizer;

import io.tanuki4j.error.UserException;
import io.tanuki4j.tokenizer.HuggingFaceFiles.Roles;
import java.util.List;

/**
 * GPT-2's vocabulary and merges. Documents end with {@code <|endoftext|>}, which is never matched
 * in text.
 */
final class Gpt2Tokens {
  private static final String END = "<|endoftext|>";

  private Gpt2Tokens() {}

  /** Opens Megatron's GPT2BPETokenizer, which takes the first line of the merges for a title. */
  static Tokenizer open(TokenizerConfig config) {
    MergeFiles files = MergeFiles.read(config, true);
    return new JsonTokenizer(
        parts(files), JsonTokenizer.Front.NOTHING, files.identity("_GPT2BPETokenizer"));
  }

  private static JsonTokenizer.Parts parts(MergeFiles files) {
    Integer end = files.vocabulary().get(END);
    if (end == null) {
      throw new UserException(
          "%s: it has no %s, which ends documents (expected: GPT-2's vocab.json). Give another file."
              .formatted(files.vocabularyFile(), END));
    }
    List<String> pieces = TokenizerFiles.pieces(files.vocabularyFile(), files.vocabulary());
    Roles roles = new Roles(null, end, null);
    return new JsonTokenizer.Parts(
        files.vocabularyFile().toString(),
        HuggingFaceFiles.json(
            ByteLevel.json(List.of(), files.vocabulary(), files.merges(), false, List.of())),
        pieces,
        roles,
        HuggingFaceFiles.ofJson(
            ByteLevel.json(
                List.of(),
                files.vocabulary(),
                files.merges(),
                false,
                List.of(JsonSteps.token(end, END))),
            pieces,
            roles));
  }
}
