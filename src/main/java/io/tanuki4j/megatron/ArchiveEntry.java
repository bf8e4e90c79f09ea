package io.tanuki4j.megatron;

import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32;

/**
 * An entry of a ZIP archive.
 *
 * @param crc of the content; 0 if the writer computed none, as torch does where it is told so
 */
record ArchiveEntry(String name, FileSlice content, int crc) {
  private static final int CHUNK_BYTES = 1 << 20;

  /**
   * Reads all of it, and compares its checksum.
   *
   * @throws UserException if a byte has changed since it was written
   */
  void verify() throws IOException {
    if (crc == 0) {
      return;
    }
    CRC32 sum = new CRC32();
    ByteBuffer chunk = ByteBuffer.allocate(CHUNK_BYTES);
    for (long at = 0; at < content.length(); at += CHUNK_BYTES) {
      content.read(at, chunk.clear().limit((int) Math.min(CHUNK_BYTES, content.length() - at)));
      sum.update(chunk.flip());
    }
    if ((int) sum.getValue() != crc) {
      throw new UserException(
          "%s: the checksum of its entry %s is wrong, so it is damaged. Copy it again."
              .formatted(content.name(), name));
    }
  }
}
