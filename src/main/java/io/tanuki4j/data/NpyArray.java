package io.tanuki4j.data;

import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An array of whole numbers in a .npy file of version 1.0, memory-mapped. Thread-safe.
 *
 * @param rows size of the first dimension
 * @param columns size of the second dimension, 1 if there is none
 * @param data the elements, row after row
 */
record NpyArray(NpyType type, long rows, int columns, MappedBytes data) implements IndexArray {
  static final String MAGIC = "\u0093NUMPY";
  private static final int PREFIX_SIZE = MAGIC.length() + 2 + Short.BYTES;
  private static final Pattern HEADER =
      Pattern.compile(
          "\\{'descr': '([^']*)', 'fortran_order': (True|False), "
              + "'shape': \\((\\d{1,18}),(?: (\\d{1,9}))?\\), \\} *\n");

  /**
   * Maps and checks a file.
   *
   * @param types the allowed ones
   * @param columns the expected ones
   * @throws UserException if the file is damaged or foreign; the message names it
   */
  static NpyArray read(Path file, Set<NpyType> types, int columns) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      int headerSize = headerSize(file, channel);
      Matcher header = header(file, channel, headerSize);
      NpyType type = type(file, header, types);
      long rows = Long.parseLong(header.group(3));
      requireColumns(file, header, columns);
      long size = Math.multiplyExact(rows, (long) columns * type.numBytes());
      if (channel.size() != headerSize + size) {
        throw damaged(file, "%d bytes (expected: %d)".formatted(channel.size(), headerSize + size));
      }
      return new NpyArray(type, rows, columns, MappedBytes.of(channel, headerSize, size));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  @Override
  public long get(long index) {
    return switch (type) {
      case INT16 -> data.getShort(index);
      case INT32 -> data.getInt(index);
      case UINT32 -> Integer.toUnsignedLong(data.getInt(index));
      case INT64 -> data.getLong(index);
    };
  }

  static UserException damaged(Path file, String finding) {
    return new UserException(
        "%s: %s. The file is damaged or of another program; delete it, and it is built again."
            .formatted(file, finding));
  }

  private static int headerSize(Path file, FileChannel channel) throws IOException {
    ByteBuffer prefix = ByteBuffer.wrap(read(file, channel, 0, PREFIX_SIZE));
    byte[] magic = new byte[MAGIC.length()];
    prefix.order(ByteOrder.LITTLE_ENDIAN).get(magic);
    if (!new String(magic, StandardCharsets.ISO_8859_1).equals(MAGIC)) {
      throw damaged(file, "it does not begin with \\x93NUMPY");
    }
    int major = prefix.get();
    int minor = prefix.get();
    if (major != 1 || minor != 0) {
      throw damaged(file, "version %d.%d (expected: 1.0)".formatted(major, minor));
    }
    return PREFIX_SIZE + Short.toUnsignedInt(prefix.getShort());
  }

  private static Matcher header(Path file, FileChannel channel, int headerSize) throws IOException {
    byte[] bytes = read(file, channel, PREFIX_SIZE, headerSize - PREFIX_SIZE);
    String text = new String(bytes, StandardCharsets.ISO_8859_1);
    Matcher header = HEADER.matcher(text);
    if (!header.matches()) {
      throw damaged(
          file, "header %s (expected: an array of one or two dimensions)".formatted(text.strip()));
    }
    if (header.group(2).equals("True")) {
      throw damaged(file, "fortran_order True (expected: False)");
    }
    return header;
  }

  private static byte[] read(Path file, FileChannel channel, long position, int size)
      throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(size);
    while (buffer.hasRemaining() && channel.read(buffer, position + buffer.position()) >= 0) {}
    if (buffer.hasRemaining()) {
      throw damaged(
          file, "%d bytes (expected: a header of %d)".formatted(channel.size(), position + size));
    }
    return buffer.array();
  }

  private static NpyType type(Path file, Matcher header, Set<NpyType> types) {
    return NpyType.ofDescr(header.group(1))
        .filter(types::contains)
        .orElseThrow(
            () ->
                damaged(
                    file,
                    "element type %s (expected: %s)"
                        .formatted(
                            header.group(1),
                            String.join(
                                " or ", types.stream().map(NpyType::descr).sorted().toList()))));
  }

  private static void requireColumns(Path file, Matcher header, int columns) {
    int found = header.group(4) == null ? 1 : Integer.parseInt(header.group(4));
    if (found != columns) {
      throw damaged(file, "%d columns (expected: %d)".formatted(found, columns));
    }
  }
}
