package io.tanuki4j.tokenizer;

import io.tanuki4j.tokenizer.SentencePieceModel.Kind;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Writes small SentencePiece models. */
final class ModelBytes {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  ModelBytes piece(String text, Kind kind) {
    ByteArrayOutputStream piece = new ByteArrayOutputStream();
    putBytes(piece, 1, text.getBytes(StandardCharsets.UTF_8));
    putNumber(piece, 3, kind.ordinal() + 1);
    putBytes(out, 1, piece.toByteArray());
    return this;
  }

  ModelBytes trainerSpec() {
    putBytes(out, 2, new byte[0]);
    return this;
  }

  ModelBytes normalizerSpec(boolean addsBlank, boolean removesExtraBlanks) {
    ByteArrayOutputStream spec = new ByteArrayOutputStream();
    putNumber(spec, 3, addsBlank ? 1 : 0);
    putNumber(spec, 4, removesExtraBlanks ? 1 : 0);
    putBytes(out, 3, spec.toByteArray());
    return this;
  }

  ModelBytes denormalizerSpec() {
    ByteArrayOutputStream spec = new ByteArrayOutputStream();
    putBytes(spec, 2, new byte[] {1});
    putBytes(out, 5, spec.toByteArray());
    return this;
  }

  byte[] toByteArray() {
    return out.toByteArray();
  }

  private static void putNumber(ByteArrayOutputStream out, int field, int value) {
    out.write(field << 3);
    out.write(value);
  }

  private static void putBytes(ByteArrayOutputStream out, int field, byte[] value) {
    out.write(field << 3 | 2);
    out.write(value.length);
    out.writeBytes(value);
  }
}
