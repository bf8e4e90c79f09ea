package io.tanuki4j.megatron;

import io.tanuki4j.checkpoint.ForeignCheckpoints;
import io.tanuki4j.checkpoint.disk.FileRead;
import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32;

/**
 * An entry of a ZIP archive.
 *
 * @param crc of the content; 0 if the writer computed none, as torch does where it is told so
 */
record ArchiveEntry(String name, FileSlice content, int crc) implements ForeignCheckpoints.Check {
  @Override
  public long numBytes() {
    return content.length();
  }

  @Override
  public void verify() throws IOException {
    if (crc == 0) {
      return;
    }
    CRC32 sum = new CRC32();
    ByteBuffer chunk = ByteBuffer.allocateDirect(FileRead.BLOCK_BYTES);
    for (long at = 0; at < content.length(); at += chunk.capacity()) {
      content.read(
          at, chunk.clear().limit((int) Math.min(chunk.capacity(), content.length() - at)));
      sum.update(chunk.flip());
    }
    if ((int) sum.getValue() != crc) {
      throw new UserException(
          "%s: the checksum of its entry %s is wrong, so it is damaged. Copy it again."
              .formatted(content.name(), name));
    }
  }
}
