package io.tanuki4j.data.preprocess;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import java.util.zip.ZipException;

/**
 * The text of a gzip file (RFC 1952) of one or more members. It accepts what {@code gzip -t}
 * accepts: whole members one after the other, then nothing but zero bytes. The JDK's own stream
 * mistakes a damaged member after the first for the end of the file.
 */
final class GzipMembers extends InputStream {
  private static final int BUFFER_SIZE = 1 << 16;
  private static final int MAGIC_1 = 0x1f;
  private static final int MAGIC_2 = 0x8b;
  private static final int DEFLATE = 8;
  private static final int HAS_HEADER_CRC = 1 << 1;
  private static final int HAS_EXTRA = 1 << 2;
  private static final int HAS_NAME = 1 << 3;
  private static final int HAS_COMMENT = 1 << 4;
  private static final int UNKNOWN_FLAGS = 0xe0;
  private static final int TIME_SYSTEM_SIZE = 6;

  private final InputStream in;
  private final Inflater inflater = new Inflater(true);
  private final CRC32 headerCrc = new CRC32();
  private final CRC32 textCrc = new CRC32();
  private final byte[] buffer = new byte[BUFFER_SIZE];
  private int at;
  private int limit;
  private boolean atEnd;

  /** Reads the first member's header. */
  GzipMembers(InputStream in) throws IOException {
    this.in = in;
    header(required());
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : Byte.toUnsignedInt(one[0]);
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    while (!atEnd && length > 0) {
      int count = inflate(target, offset, length);
      if (count > 0) {
        textCrc.update(target, offset, count);
        return count;
      }
      if (inflater.finished()) {
        endMember();
      } else {
        feed();
      }
    }
    return length == 0 ? 0 : -1;
  }

  @Override
  public void close() throws IOException {
    inflater.end();
    in.close();
  }

  private int inflate(byte[] target, int offset, int length) throws IOException {
    try {
      return inflater.inflate(target, offset, length);
    } catch (DataFormatException e) {
      throw new ZipException("damaged gzip data: " + e.getMessage());
    }
  }

  private void feed() throws IOException {
    if (at == limit && !fill()) {
      throw cut();
    }
    inflater.setInput(buffer, at, limit - at);
    at = limit;
  }

  /** Checks the text against the member's trailer and moves to the next member, if there is one. */
  private void endMember() throws IOException {
    at = limit - inflater.getRemaining();
    if (number(Integer.BYTES) != textCrc.getValue()) {
      throw new ZipException("damaged gzip data: the checksum of the text differs");
    }
    if (number(Integer.BYTES) != (inflater.getBytesWritten() & 0xffffffffL)) {
      throw new ZipException("damaged gzip data: the length of the text differs");
    }
    int first = next();
    if (first > 0) {
      inflater.reset();
      textCrc.reset();
      header(first);
    } else {
      requireZeros(first);
    }
  }

  private void requireZeros(int first) throws IOException {
    int value = first;
    while (value == 0) {
      value = next();
    }
    if (value > 0) {
      throw new ZipException("bytes that are no gzip data behind the last member");
    }
    atEnd = true;
  }

  private void header(int first) throws IOException {
    headerCrc.reset();
    headerCrc.update(first);
    if (first != MAGIC_1 || required() != MAGIC_2) {
      throw new ZipException("not gzip data");
    }
    int method = required();
    int flags = required();
    if (method != DEFLATE || (flags & UNKNOWN_FLAGS) != 0) {
      throw new ZipException("a gzip header of method %d, flags %d".formatted(method, flags));
    }
    skip(TIME_SYSTEM_SIZE);
    if ((flags & HAS_EXTRA) != 0) {
      skip((int) number(Short.BYTES));
    }
    skipText(flags & HAS_NAME);
    skipText(flags & HAS_COMMENT);
    if ((flags & HAS_HEADER_CRC) != 0) {
      long expected = headerCrc.getValue() & 0xffff;
      if (number(Short.BYTES) != expected) {
        throw new ZipException("damaged gzip data: the checksum of a header differs");
      }
    }
  }

  private void skip(int count) throws IOException {
    for (int i = 0; i < count; i++) {
      required();
    }
  }

  /** Skips a zero-terminated string if the flag is set. */
  private void skipText(int flag) throws IOException {
    while (flag != 0 && required() != 0) {}
  }

  /** Reads a little-endian number. */
  private long number(int numBytes) throws IOException {
    long number = 0;
    for (int i = 0; i < numBytes; i++) {
      number |= (long) required() << (Byte.SIZE * i);
    }
    return number;
  }

  private int required() throws IOException {
    int value = next();
    if (value < 0) {
      throw cut();
    }
    headerCrc.update(value);
    return value;
  }

  private int next() throws IOException {
    return at == limit && !fill() ? -1 : Byte.toUnsignedInt(buffer[at++]);
  }

  private boolean fill() throws IOException {
    at = 0;
    limit = Math.max(0, in.read(buffer));
    return limit > 0;
  }

  private static EOFException cut() {
    return new EOFException("the gzip data end too early");
  }
}
