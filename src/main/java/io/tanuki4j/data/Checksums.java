package io.tanuki4j.data;

import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.zip.CRC32C;

/**
 * Sizes and checksums of files as they were written. A text file has one line per file: name, size
 * in bytes, CRC-32C.
 */
final class Checksums {
  private static final int BUFFER_SIZE = 1 << 20;

  private final Map<String, String> lines = new TreeMap<>();

  /** Records a file that was written, with its CRC-32C. Thread-safe. */
  synchronized void add(Path file, long size, long checksum) {
    lines.put(String.valueOf(file.getFileName()), line(file, size, checksum));
  }

  /** Returns the text of the file of checksums. */
  synchronized String text() {
    return lines.values().stream().collect(Collectors.joining("\n", "", "\n"));
  }

  /**
   * Checks a file against its recorded size and checksum. Accepts any file if there is no checksum
   * file: another program may have written it.
   *
   * @throws UserException if its bytes differ
   */
  static void require(Path checksums, Path file) throws IOException {
    if (!Files.isRegularFile(checksums)) {
      return;
    }
    CRC32C checksum = new CRC32C();
    long size = 0;
    try (InputStream in = Files.newInputStream(file)) {
      byte[] buffer = new byte[BUFFER_SIZE];
      for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
        checksum.update(ByteBuffer.wrap(buffer, 0, count));
        size += count;
      }
    }
    String text = new String(Files.readAllBytes(checksums), StandardCharsets.ISO_8859_1);
    if (text.lines().noneMatch(line(file, size, checksum.getValue())::equals)) {
      throw new UserException(
          "%s: its bytes are not those that %s says were written. Delete it, and it is built again."
              .formatted(file, checksums.getFileName()));
    }
  }

  private static String line(Path file, long size, long checksum) {
    return "%s %d %08x".formatted(file.getFileName(), size, checksum);
  }
}
