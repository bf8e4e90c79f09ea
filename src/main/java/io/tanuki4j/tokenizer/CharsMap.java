package io.tanuki4j.tokenizer;

import io.tanuki4j.error.UserException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The compiled rules of a SentencePiece model, which replace some bytes by others. A double array
 * of 32-bit units, as the library darts-clone lays it out, finds the rule; the replacements follow,
 * each ended by a zero. Immutable.
 */
final class CharsMap {
  private static final int LABEL = 0x800000ff;
  private static final int LEAF = 1 << 8;
  private static final int FAR = 1 << 9;
  private static final int VALUE = 0x7fffffff;
  private static final int OFFSET_BITS = 10;

  private final int[] units;
  private final byte[] texts;

  /**
   * @param bytes size of the double array, double array, replacements
   * @throws UserException if they are damaged
   */
  CharsMap(byte[] bytes) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    int size = bytes.length < Integer.BYTES ? -1 : buffer.getInt();
    if (size <= 0 || size % Integer.BYTES != 0 || size > buffer.remaining()) {
      throw new UserException("its normalisation rules are damaged");
    }
    units = new int[size / Integer.BYTES];
    buffer.asIntBuffer().get(units);
    buffer.position(Integer.BYTES + size);
    texts = new byte[buffer.remaining() + 1];
    buffer.get(texts, 0, texts.length - 1);
  }

  /**
   * Returns the length of the longest rule at a place, 0 for none; {@code textStart[0]} becomes the
   * place of its replacement.
   */
  int longest(byte[] input, int from, int to, int[] textStart) {
    int longest = 0;
    int place = offset(units[0]);
    for (int i = from; i < to; i++) {
      int label = input[i] & 0xff;
      place ^= label;
      if (place >= units.length || (units[place] & LABEL) != label) {
        break;
      }
      int unit = units[place];
      place ^= offset(unit);
      if ((unit & LEAF) != 0 && place < units.length) {
        textStart[0] = Math.min(units[place] & VALUE, texts.length - 1);
        longest = i + 1 - from;
      }
    }
    return longest;
  }

  /** Returns all replacements. */
  byte[] texts() {
    return texts;
  }

  /** Returns where the replacement ends that begins at a place. */
  int end(int textStart) {
    int end = textStart;
    while (texts[end] != 0) {
      end++;
    }
    return end;
  }

  private static int offset(int unit) {
    return (unit >>> OFFSET_BITS) << ((unit & FAR) >>> 6);
  }
}
