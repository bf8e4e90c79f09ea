package io.tanuki4j.megatron;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The central directory of a ZIP archive of uncompressed entries, as torch writes it: the position
 * of each entry's bytes. (Java's own reader does not tell, and checks ZIP64 fields differently.)
 */
final class ZipDirectory {
  private static final int END = 0x06054b50;
  private static final int END_BYTES = 22;
  private static final int END64_LOCATOR = 0x07064b50;
  private static final int END64_LOCATOR_BYTES = 20;
  private static final int END64 = 0x06064b50;
  private static final int END64_BYTES = 56;
  private static final int ENTRY = 0x02014b50;
  private static final int ENTRY_BYTES = 46;
  private static final int LOCAL = 0x04034b50;
  private static final int LOCAL_BYTES = 30;
  private static final int MAX_COMMENT = 0xffff;
  private static final int MAX_DIRECTORY_BYTES = 1 << 28;
  private static final long SEE_ZIP64 = 0xffffffffL;
  private static final int ZIP64_FIELD = 1;

  private final FileSlice file;

  private ZipDirectory(FileSlice file) {
    this.file = file;
  }

  /**
   * Returns the entries.
   *
   * @throws UserException if the file is not such an archive
   */
  static Map<String, ArchiveEntry> read(FileSlice file) throws IOException {
    return new ZipDirectory(file).entries();
  }

  private Map<String, ArchiveEntry> entries() throws IOException {
    long end = findEnd();
    ByteBuffer tail = bytes(end, END_BYTES);
    long size = unsigned(tail.getInt(12));
    long begin = unsigned(tail.getInt(16));
    if (begin == SEE_ZIP64 || size == SEE_ZIP64 || tail.getShort(10) == -1) {
      ByteBuffer tail64 = end64(end);
      size = tail64.getLong(40);
      begin = tail64.getLong(48);
    }
    if (size > MAX_DIRECTORY_BYTES) {
      throw noArchive();
    }
    ByteBuffer directory = bytes(begin, Math.toIntExact(size));
    Map<String, ArchiveEntry> entries = new LinkedHashMap<>();
    while (directory.remaining() >= ENTRY_BYTES) {
      addNext(directory, entries);
    }
    return entries;
  }

  private long findEnd() throws IOException {
    long first = Math.max(0, file.length() - END_BYTES - MAX_COMMENT);
    ByteBuffer tail = bytes(first, Math.toIntExact(file.length() - first));
    for (int i = tail.limit() - END_BYTES; i >= 0; i--) {
      if (tail.getInt(i) == END) {
        return first + i;
      }
    }
    throw noArchive();
  }

  private ByteBuffer end64(long end) throws IOException {
    ByteBuffer locator = bytes(end - END64_LOCATOR_BYTES, END64_LOCATOR_BYTES);
    ByteBuffer tail = bytes(locator.getLong(8), END64_BYTES);
    if (locator.getInt(0) != END64_LOCATOR || tail.getInt(0) != END64) {
      throw noArchive();
    }
    return tail;
  }

  private void addNext(ByteBuffer directory, Map<String, ArchiveEntry> entries) throws IOException {
    int at = directory.position();
    int nameBytes = directory.getShort(at + 28) & 0xffff;
    int extraBytes = directory.getShort(at + 30) & 0xffff;
    int commentBytes = directory.getShort(at + 32) & 0xffff;
    int next = at + ENTRY_BYTES + nameBytes + extraBytes + commentBytes;
    if (directory.getInt(at) != ENTRY || next > directory.limit()) {
      throw noArchive();
    }
    byte[] name = new byte[nameBytes];
    directory.position(at + ENTRY_BYTES).get(name);
    if (directory.getShort(at + 10) != 0) {
      throw new UserException(
          "%s: its entry %s is compressed (expected: stored, as torch.save does)."
              .formatted(file.name(), new String(name, UTF_8)));
    }
    long[] sizes = sizes(directory, at, at + ENTRY_BYTES + nameBytes, extraBytes);
    String text = new String(name, UTF_8);
    entries.put(
        text, new ArchiveEntry(text, content(sizes[1], sizes[0]), directory.getInt(at + 16)));
    directory.position(next);
  }

  /** Returns the size and the offset of an entry; numbers that do not fit are in a field behind. */
  private long[] sizes(ByteBuffer directory, int at, int extra, int extraBytes) {
    long stored = unsigned(directory.getInt(at + 20));
    long size = unsigned(directory.getInt(at + 24));
    long offset = unsigned(directory.getInt(at + 42));
    for (int i = extra; i + 4 <= extra + extraBytes; ) {
      int length = directory.getShort(i + 2) & 0xffff;
      if (directory.getShort(i) == ZIP64_FIELD) {
        int value = i + 4;
        if (size == SEE_ZIP64) {
          size = directory.getLong(value);
          value += Long.BYTES;
        }
        value += stored == SEE_ZIP64 ? Long.BYTES : 0;
        offset = offset == SEE_ZIP64 ? directory.getLong(value) : offset;
      }
      i += 4 + length;
    }
    return new long[] {size, offset};
  }

  private FileSlice content(long offset, long size) throws IOException {
    ByteBuffer local = bytes(offset, LOCAL_BYTES);
    if (local.getInt(0) != LOCAL) {
      throw noArchive();
    }
    int before = (local.getShort(26) & 0xffff) + (local.getShort(28) & 0xffff);
    return file.part(offset + LOCAL_BYTES + before, size);
  }

  private static long unsigned(int value) {
    return value & 0xffffffffL;
  }

  private ByteBuffer bytes(long position, int length) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    file.read(position, bytes);
    return bytes.flip();
  }

  private UserException noArchive() {
    return new UserException(
        file.name()
            + ": it is no archive of torch.save, or is damaged (expected: the ZIP file that torch 1.6 or later writes). Copy it again.");
  }
}
