package io.tanuki4j.tokenizer;

import io.tanuki4j.tokenizer.SentencePieceModel.Kind;
import io.tanuki4j.tokenizer.SentencePieceModel.Piece;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.util.BitSet;
import java.util.List;

/**
 * Decodes ids into text by SentencePiece's rules (github.com/google/sentencepiece). {@code ▁} is a
 * space, control pieces produce no text, and byte pieces together form UTF-8. The space that
 * encoding put before the text is removed. Thread-safe.
 */
final class SentencePieceDecoder {
  private static final char REPLACEMENT = '\ufffd';

  private final byte[][] shown;
  private final BitSet beginsWithBlank = new BitSet();
  private final boolean dropsFirstBlank;
  private final boolean dropsLeadingBlanks;

  SentencePieceDecoder(SentencePieceModel model) {
    dropsLeadingBlanks = model.normalizer().removesBlanks();
    dropsFirstBlank = model.normalizer().addsBlank() || dropsLeadingBlanks;
    List<Piece> pieces = model.pieces();
    shown = new byte[pieces.size()][];
    for (int id = 0; id < shown.length; id++) {
      Piece piece = pieces.get(id);
      shown[id] = shown(piece, model.trainer().unknownText());
      beginsWithBlank.set(
          id, isText(piece.kind()) && piece.text().startsWith(SentencePieceModel.BLANK));
    }
  }

  /** Returns the text of {@code ids[from .. to)}, which must be ids of the model. */
  String decode(int[] ids, int from, int to) {
    ByteArrayOutputStream utf8 = new ByteArrayOutputStream((to - from) * Integer.BYTES);
    boolean atStart = dropsFirstBlank;
    for (int i = from; i < to; i++) {
      byte[] bytes = shown[ids[i]];
      int dropped = atStart && beginsWithBlank.get(ids[i]) ? 1 : 0;
      utf8.write(bytes, dropped, bytes.length - dropped);
      atStart = atStart && utf8.size() == 0 && (dropped == 0 || dropsLeadingBlanks);
    }
    return text(utf8.toByteArray());
  }

  private static byte[] shown(Piece piece, String unknownText) {
    return switch (piece.kind()) {
      case CONTROL -> new byte[0];
      case UNKNOWN -> unknownText.getBytes(StandardCharsets.UTF_8);
      case BYTE -> new byte[] {(byte) Integer.parseInt(piece.text().substring(3, 5), 16)};
      case NORMAL, USER_DEFINED, UNUSED ->
          piece.text().replace(SentencePieceModel.BLANK, " ").getBytes(StandardCharsets.UTF_8);
    };
  }

  private static boolean isText(Kind kind) {
    return switch (kind) {
      case NORMAL, USER_DEFINED, UNUSED -> true;
      case CONTROL, UNKNOWN, BYTE -> false;
    };
  }

  /** Decodes UTF-8; each byte that is not part of a character becomes U+FFFD. */
  private static String text(byte[] utf8) {
    CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    ByteBuffer in = ByteBuffer.wrap(utf8);
    CharBuffer out = CharBuffer.allocate(utf8.length);
    CoderResult result = decoder.decode(in, out, true);
    while (result.isError()) {
      for (int i = 0; i < result.length(); i++) {
        out.put(REPLACEMENT);
      }
      in.position(in.position() + result.length());
      result = decoder.decode(in, out, true);
    }
    return out.flip().toString();
  }
}
