package io.tanuki4j.data.preprocess;

import io.tanuki4j.error.UserException;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/** Recognises files that are not text by their first bytes. */
final class ForeignFile {
  private static final String AS_JSON_LINES =
      "Write its texts as JSON lines, one object with the key text a document";
  private static final String NOT_A_TEXT = "Give the file of JSON lines that it was made of";
  private static final int PREFIX_SIZE = 16;
  private static final int SAFETENSORS_HEADER = 8;

  private static final List<Kind> KINDS =
      List.of(
          new Kind("PAR1", "a Parquet file", AS_JSON_LINES),
          new Kind("ARROW1", "an Arrow file", AS_JSON_LINES),
          new Kind("\u00ff\u00ff\u00ff\u00ff", "an Arrow stream", AS_JSON_LINES),
          new Kind("ORC", "an ORC file", AS_JSON_LINES),
          new Kind("Obj\u0001", "an Avro file", AS_JSON_LINES),
          new Kind("SQLite format 3", "an SQLite database", AS_JSON_LINES),
          new Kind("\u0089HDF", "an HDF5 file", AS_JSON_LINES),
          new Kind("%PDF-", "a PDF", AS_JSON_LINES),
          new Kind("PK\u0003\u0004", "a zip archive", "Unpack it with unzip"),
          new Kind("7z\u00bc\u00af", "a 7z archive", "Unpack it with 7z x"),
          new Kind("\u00fd7zXZ\u0000", "packed with xz", "Unpack it with unxz"),
          new Kind("BZh", "packed with bzip2", "Unpack it with bunzip2"),
          new Kind("\u0004\"M\u0018", "packed with lz4", "Unpack it with unlz4"),
          new Kind("\u001f\u008b", "packed with gzip", "Let its name end with .gz"),
          new Kind("(\u00b5/\u00fd", "packed with zstd", "Let its name end with .zst"),
          new Kind("\u0093NUMPY", "a numpy array", NOT_A_TEXT),
          new Kind("MMIDIDX", "the index of a token file", NOT_A_TEXT),
          new Kind("\u0080\u0002", "a pickle", NOT_A_TEXT),
          new Kind("\u0080\u0003", "a pickle", NOT_A_TEXT),
          new Kind("\u0080\u0004", "a pickle", NOT_A_TEXT),
          new Kind("\u0080\u0005", "a pickle", NOT_A_TEXT),
          new Kind("\u00ff\u00fe", "text in UTF-16", "Convert it to UTF-8, for example with iconv"),
          new Kind("\u00fe\u00ff", "text in UTF-16", "Convert it to UTF-8, for example with iconv"),
          new Kind(
              "\u00ef\u00bb\u00bf", "text with a byte order mark", "Remove its first 3 bytes"));

  private ForeignFile() {}

  /**
   * A kind of file that is not text.
   *
   * @param start the first bytes, as ISO 8859-1
   */
  private record Kind(String start, String name, String remedy) {}

  /**
   * Returns the same text, and rejects files of a known other kind.
   *
   * @param text what a file holds, unpacked
   * @throws UserException if it is of a known kind other than JSON lines
   */
  static InputStream refused(Path file, InputStream text) throws IOException {
    BufferedInputStream buffered = new BufferedInputStream(text);
    buffered.mark(PREFIX_SIZE);
    byte[] bytes = buffered.readNBytes(PREFIX_SIZE);
    buffered.reset();
    String start = new String(bytes, StandardCharsets.ISO_8859_1);
    for (Kind kind : KINDS) {
      if (start.startsWith(kind.start)) {
        throw foreign(file, kind);
      }
    }
    if (isSafetensors(start)) {
      throw foreign(file, new Kind("", "a safetensors file", NOT_A_TEXT));
    }
    return buffered;
  }

  /** Returns whether a JSON header follows its own size. Text has no zero bytes. */
  private static boolean isSafetensors(String start) {
    return start.length() > SAFETENSORS_HEADER
        && start.charAt(SAFETENSORS_HEADER) == '{'
        && start.startsWith("\0\0\0", SAFETENSORS_HEADER - 3);
  }

  private static UserException foreign(Path file, Kind kind) {
    return new UserException(
        "%s: it is %s (expected: JSON lines, plain, .gz or .zst). %s."
            .formatted(file, kind.name, kind.remedy));
  }
}
