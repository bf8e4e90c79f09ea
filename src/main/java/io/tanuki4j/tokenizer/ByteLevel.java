package io.tanuki4j.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Bytes as visible characters, as GPT-2's vocabularies write them. Bytes that Latin-1 can show
 * stand for themselves; the others become characters from U+0100 on.
 */
final class ByteLevel {
  private static final int NUM_BYTES = 256;
  private static final char[] CHARACTERS = characters();

  private ByteLevel() {}

  private static char[] characters() {
    char[] characters = new char[NUM_BYTES];
    int numHidden = 0;
    for (int value = 0; value < NUM_BYTES; value++) {
      boolean shown = (value >= '!' && value <= '~') || (value >= 0xA1 && value != 0xAD);
      characters[value] = (char) (shown ? value : NUM_BYTES + numHidden);
      numHidden += shown ? 0 : 1;
    }
    return characters;
  }

  /** Returns bytes as characters. */
  static String show(byte[] bytes) {
    StringBuilder shown = new StringBuilder(bytes.length);
    for (byte value : bytes) {
      shown.append(CHARACTERS[value & 0xff]);
    }
    return shown.toString();
  }

  /**
   * Returns a {@code tokenizer.json} of merges over bytes.
   *
   * @param cuts the steps that cut a text before its bytes are merged; empty for GPT-2's
   * @param takesWholePieces whether a part that is itself a piece stays whole
   * @param added tokens that are matched whole in texts
   */
  static Map<String, @Nullable Object> json(
      List<Map<String, @Nullable Object>> cuts,
      Map<String, Integer> vocabulary,
      List<List<String>> merges,
      boolean takesWholePieces,
      List<Map<String, @Nullable Object>> added) {
    Map<String, @Nullable Object> json = JsonSteps.file();
    json.put("added_tokens", added);
    json.put("normalizer", null);
    json.put("pre_tokenizer", cuts.isEmpty() ? step(true) : cut(cuts));
    json.put("post_processor", null);
    json.put("decoder", step(true));
    Map<String, @Nullable Object> model = JsonSteps.step("BPE");
    model.put("dropout", null);
    model.put("unk_token", null);
    model.put("continuing_subword_prefix", null);
    model.put("end_of_word_suffix", null);
    model.put("fuse_unk", false);
    model.put("byte_fallback", false);
    model.put("ignore_merges", takesWholePieces);
    model.put("vocab", vocabulary);
    model.put("merges", merges);
    json.put("model", model);
    return json;
  }

  private static @Nullable Map<String, @Nullable Object> cut(
      List<Map<String, @Nullable Object>> cuts) {
    List<Map<String, @Nullable Object>> steps = new ArrayList<>(cuts);
    steps.add(step(false));
    return JsonSteps.sequence("pretokenizers", steps);
  }

  private static Map<String, @Nullable Object> step(boolean cutsAsGpt2) {
    Map<String, @Nullable Object> step = JsonSteps.step("ByteLevel");
    step.put("add_prefix_space", false);
    step.put("trim_offsets", false);
    step.put("use_regex", cutsAsGpt2);
    return step;
  }
}
