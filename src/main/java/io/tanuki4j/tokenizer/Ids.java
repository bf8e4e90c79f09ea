package io.tanuki4j.tokenizer;

import io.tanuki4j.error.UserException;
import java.util.List;

/** Arrays of token ids. */
final class Ids {
  private Ids() {}

  static int[] concatenate(List<int[]> parts) {
    int[] all = new int[parts.stream().mapToInt(part -> part.length).sum()];
    int at = 0;
    for (int[] part : parts) {
      System.arraycopy(part, 0, all, at, part.length);
      at += part.length;
    }
    return all;
  }

  static void requireBelow(int[] ids, int vocabSize) {
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] < 0 || ids[i] >= vocabSize) {
        throw new UserException(
            "token %d of the text: id %d (expected: 0 to %d, an id of this tokenizer)."
                .formatted(i, ids[i], vocabSize - 1));
      }
    }
  }
}
