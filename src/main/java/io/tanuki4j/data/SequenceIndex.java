package io.tanuki4j.data;

import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;

/**
 * The .idx file of a corpus, memory-mapped: the type of its tokens, the length and place of each
 * sequence, the boundaries of documents. Megatron-LM's format, version 1, little endian.
 *
 * @param lengths int32 per sequence, in tokens
 * @param offsets int64 per sequence, in bytes of the .bin file
 * @param boundaries int64 per document, plus one: the document's first sequence
 */
record SequenceIndex(
    TokenType type,
    int numSequences,
    int numDocuments,
    MappedBytes lengths,
    MappedBytes offsets,
    MappedBytes boundaries) {
  static final int HEADER_SIZE = 34;
  static final long VERSION = 1;
  private static final String MAGIC = "MMIDIDX\0\0";
  private static final int MAX_SEQUENCES = Integer.MAX_VALUE - 8;

  static byte[] magic() {
    return MAGIC.getBytes(StandardCharsets.US_ASCII);
  }

  /**
   * Maps and checks an .idx file.
   *
   * @throws UserException if it is missing, damaged or foreign
   */
  static SequenceIndex read(Path file) {
    if (!Files.isRegularFile(file)) {
      throw new UserException(
          file + ": there is no such file. Give the path of the data without .bin or .idx.");
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      SequenceIndex index = map(file, channel);
      new SequenceIndexCheck(index, file).requireDocuments();
      return index;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  int length(long sequence) {
    return lengths.getInt(sequence);
  }

  long offset(long sequence) {
    return offsets.getLong(sequence);
  }

  /** Returns where a sequence ends in the .bin file. */
  long end(int sequence) {
    return offset(sequence) + (long) length(sequence) * type.numBytes();
  }

  private static SequenceIndex map(Path file, FileChannel channel) throws IOException {
    ByteBuffer header = header(file, channel);
    TokenType type = type(file, header.get());
    long sequences = header.getLong();
    long boundaries = header.getLong();
    requireCounts(file, sequences, boundaries, channel.size());
    long lengthsEnd = HEADER_SIZE + sequences * Integer.BYTES;
    long offsetsEnd = lengthsEnd + sequences * Long.BYTES;
    return new SequenceIndex(
        type,
        (int) sequences,
        (int) (boundaries - 1),
        MappedBytes.of(channel, HEADER_SIZE, sequences * Integer.BYTES),
        MappedBytes.of(channel, lengthsEnd, sequences * Long.BYTES),
        MappedBytes.of(channel, offsetsEnd, boundaries * Long.BYTES));
  }

  /** Checks magic and version and returns the header after them. */
  private static ByteBuffer header(Path file, FileChannel channel) throws IOException {
    ByteBuffer header = ByteBuffer.allocate(HEADER_SIZE).order(ByteOrder.LITTLE_ENDIAN);
    while (header.hasRemaining() && channel.read(header) >= 0) {}
    if (header.hasRemaining()) {
      throw damaged(
          file,
          "%d bytes (expected: a header of %d)".formatted(channel.size(), HEADER_SIZE),
          "The file is truncated or not an index");
    }
    byte[] magic = new byte[MAGIC.length()];
    long version = header.flip().get(magic).getLong();
    if (!Arrays.equals(magic, magic())) {
      throw damaged(
          file,
          "it begins with %s (expected: MMIDIDX)".formatted(Arrays.toString(magic)),
          "The file is not a Megatron index of version 1");
    }
    if (version != VERSION) {
      throw damaged(
          file,
          "version %d (expected: 1)".formatted(version),
          "The file comes from another program version or is damaged");
    }
    return header;
  }

  private static TokenType type(Path file, byte code) {
    return TokenType.ofCode(code)
        .orElseThrow(
            () ->
                damaged(
                    file,
                    "type code %d (expected: 1, 2, 3, 4, 5 or 8, an integer type)".formatted(code),
                    "The file does not hold token ids or is damaged"));
  }

  private static void requireCounts(Path file, long sequences, long boundaries, long size) {
    if (sequences < 0 || sequences > MAX_SEQUENCES) {
      throw damaged(
          file,
          "%d sequences (expected: 0 to %d)".formatted(sequences, MAX_SEQUENCES),
          "The file is damaged or too large");
    }
    if (boundaries < 1 || boundaries > MAX_SEQUENCES) {
      throw damaged(
          file,
          "%d document boundaries (expected: 1 to %d)".formatted(boundaries, MAX_SEQUENCES),
          "The file is damaged or too large");
    }
    long expected =
        HEADER_SIZE + sequences * (Integer.BYTES + Long.BYTES) + boundaries * Long.BYTES;
    if (size == expected + sequences && sequences > 0) {
      throw damaged(
          file,
          "it holds modes of a multimodal corpus (expected: text only)",
          "Preprocess the corpus as text");
    }
    if (size != expected) {
      throw damaged(
          file,
          "%d bytes (expected: %d for %d sequences and %d document boundaries)"
              .formatted(size, expected, sequences, boundaries),
          size < expected ? "The file is truncated" : "The file has bytes too many");
    }
  }

  static UserException damaged(Path file, String finding, String meaning) {
    return new UserException(
        "%s: %s. %s; preprocess or copy the data again.".formatted(file, finding, meaning));
  }
}
