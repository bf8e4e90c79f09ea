package io.tanuki4j.megatron;

import io.tanuki4j.checkpoint.disk.FileRead;
import io.tanuki4j.error.UserException;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/**
 * A part of an open file.
 *
 * @param name of the file, for messages
 * @param offset where the part begins, in bytes
 * @param length in bytes
 */
record FileSlice(String name, FileChannel channel, long offset, long length) {

  /** Returns a part of this part. */
  FileSlice part(long begin, long size) {
    if (begin < 0 || size < 0 || begin > length - size) {
      throw new UserException(
          "%s: it ends before byte %d, so it is damaged or cut short. Copy it again."
              .formatted(name, offset + begin + size));
    }
    return new FileSlice(name, channel, offset + begin, size);
  }

  /** Fills the rest of a buffer. */
  void read(long position, ByteBuffer into) throws IOException {
    FileSlice wanted = part(position, into.remaining());
    try {
      FileRead.fully(channel, wanted.offset, into);
    } catch (EOFException e) {
      throw new UserException(
          "%s: it ends at byte %d, so it is damaged or cut short. Copy it again."
              .formatted(name, channel.size()),
          e);
    }
  }

  /** Reads all of it. */
  byte[] bytes(int most) throws IOException {
    if (length > most) {
      throw new UserException(
          "%s: a part of %d bytes (expected: at most %d), so it is damaged."
              .formatted(name, length, most));
    }
    byte[] bytes = new byte[(int) length];
    read(0, ByteBuffer.wrap(bytes));
    return bytes;
  }
}
