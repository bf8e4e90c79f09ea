package io.tanuki4j.data;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Each damage to a corpus and the sentence that it gets. */
class DamagedCorpusTest {
  private static final int LENGTHS = 34;
  private static final int OFFSETS = LENGTHS + 3 * 4;
  private static final int BOUNDARIES = OFFSETS + 3 * 8;
  private static final int IDX_SIZE = BOUNDARIES + 3 * 8;

  @TempDir private Path dir;

  /** Three sequences of 2, 1 and 3 tokens in two documents, uint16. */
  @BeforeEach
  void write() {
    try (var writer = new IndexedDatasetWriter(dir.resolve("c"), TokenType.UINT16)) {
      writer.addDocument(List.of(new int[] {1, 2}, new int[] {3}));
      writer.addDocument(List.of(new int[] {4, 5, 6}));
      writer.finish();
    }
  }

  static Stream<Arguments> damages() {
    return Stream.of(
        idx("empty", b -> new byte[0], "0 bytes (expected: a header of 34)"),
        idx("cut in the header", cut(33), "33 bytes (expected: a header of 34)"),
        idx("foreign", put(0, (byte) 'X'), "it begins with [88, 77, 73, 68, 73, 68, 88, 0, 0]"),
        idx("version", putLong(9, 2), "version 2 (expected: 1)"),
        idx("big endian version", putLong(9, 1L << 56), "version 72057594037927936 (expected: 1)"),
        idx("float32", put(17, (byte) 7), "type code 7 (expected: 1, 2, 3, 4, 5 or 8"),
        idx("float64", put(17, (byte) 6), "type code 6 (expected: 1, 2, 3, 4, 5 or 8"),
        idx("type 0", put(17, (byte) 0), "type code 0 (expected: 1, 2, 3, 4, 5 or 8"),
        idx("negative count", putLong(18, -1), "-1 sequences (expected: 0 to 2147483639)"),
        idx("huge count", putLong(18, 1L << 60), "1152921504606846976 sequences (expected"),
        idx("no boundary", putLong(26, 0), "0 document boundaries (expected: 1 to 2147483639)"),
        idx(
            "cut",
            cut(IDX_SIZE - 1),
            "93 bytes (expected: 94 for 3 sequences and 3 document boundaries). The file is"
                + " truncated"),
        idx("longer", cut(IDX_SIZE + 1), "95 bytes (expected: 94 for 3 sequences and 3 document"),
        idx("modes", cut(IDX_SIZE + 3), "it holds modes of a multimodal corpus (expected: text"),
        idx("more sequences", putLong(18, 4), "94 bytes (expected: 106 for 4 sequences"),
        idx("first boundary", putLong(BOUNDARIES, 1), "document 0 begins at sequence 1 (expected"),
        idx(
            "falling boundary",
            putLong(BOUNDARIES + 8, -1),
            "document 1 begins at sequence -1 (expected: 0 to 3)"),
        idx(
            "large boundary",
            putLong(BOUNDARIES + 8, 4),
            "document 1 begins at sequence 4 (expected: 0 to 3)"),
        idx(
            "last boundary",
            putLong(BOUNDARIES + 16, 2),
            "the documents end at sequence 2 (expected: 3)"),
        idx("negative length", putInt(LENGTHS, -2), "sequence 0 has -2 tokens"),
        idx(
            "offset",
            putLong(OFFSETS + 8, 6),
            "sequence 1 begins at byte 6 (expected: 4, where the one before ends)"),
        idx("first offset", putLong(OFFSETS, -4), "sequence 0 begins at byte -4 (expected: 0"),
        bin("cut", cut(11), "11 bytes (expected: 12 by c.idx)"),
        bin("empty", cut(0), "0 bytes (expected: 12 by c.idx)"),
        bin("longer", cut(14), "14 bytes (expected: 12 by c.idx)"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("damages")
  void names_the_file_and_the_reason(
      String name, String suffix, UnaryOperator<byte[]> damage, String sentence)
      throws IOException {
    Path file = dir.resolve("c" + suffix);
    Files.write(file, damage.apply(Files.readAllBytes(file)));
    for (boolean mapped : new boolean[] {true, false}) {
      assertThatThrownBy(() -> IndexedDataset.open(dir.resolve("c"), mapped))
          .as(name)
          .isInstanceOf(UserException.class)
          .hasMessageStartingWith(file + ": " + sentence)
          .hasMessageEndingWith("again.");
    }
  }

  /** Numbers are checked in blocks of 16,384, several at the same time. */
  @ParameterizedTest
  @ValueSource(ints = {1, 16_383, 16_384, 16_385, 49_151, 49_152, 99_999})
  void names_the_first_of_many_damages(int first) throws IOException {
    int size = 100_000;
    try (var writer = new IndexedDatasetWriter(dir.resolve("c"), TokenType.UINT16)) {
      for (int i = 0; i < size; i++) {
        writer.addDocument(new int[] {7}, 0, 1);
      }
      writer.finish();
    }
    Path idx = dir.resolve("c.idx");
    byte[] whole = Files.readAllBytes(idx);
    int offsets = LENGTHS + 4 * size;
    UnaryOperator<byte[]> later = putLong(offsets + 8 * (size - 1), 5);
    Files.write(idx, putLong(offsets + 8 * first, 3).apply(later.apply(whole)));
    assertThatThrownBy(() -> IndexedDataset.open(dir.resolve("c"), true))
        .hasMessageContaining(
            "sequence %d begins at byte 3 (expected: %d, where".formatted(first, 2 * first));
    whole = edit(buffer -> buffer.putLong(offsets + 8 * first, 2L * first)).apply(whole);
    whole = putLong(offsets + 8 * (size - 1), 2L * (size - 1)).apply(whole);
    int boundaries = offsets + 8 * size;
    UnaryOperator<byte[]> last = putLong(boundaries + 8 * size, 1);
    Files.write(idx, putLong(boundaries + 8 * first, -9).apply(last.apply(whole)));
    assertThatThrownBy(() -> IndexedDataset.open(dir.resolve("c"), true))
        .hasMessageContaining(
            "document %d begins at sequence -9 (expected: %d to 100000)"
                .formatted(first, first - 1));
  }

  @Test
  void names_a_missing_file() throws IOException {
    Files.delete(dir.resolve("c.bin"));
    assertThatThrownBy(() -> IndexedDataset.open(dir.resolve("c"), true))
        .isInstanceOf(UserException.class)
        .hasMessage(
            dir.resolve("c.bin")
                + ": there is no such file next to c.idx. Copy it there, or preprocess the data"
                + " again.");
    assertThatThrownBy(() -> IndexedDataset.open(dir.resolve("c.bin"), true))
        .isInstanceOf(UserException.class)
        .hasMessage(
            dir.resolve("c.bin.idx")
                + ": there is no such file. Give the path of the data without .bin or .idx.");
  }

  @Test
  void names_a_token_that_is_no_id() throws IOException {
    try (var writer = new IndexedDatasetWriter(dir.resolve("c"), TokenType.INT64)) {
      writer.addDocument(List.of(new int[] {1, 2}));
      writer.finish();
    }
    Path bin = dir.resolve("c.bin");
    Files.write(bin, putLong(8, 1L << 40).apply(Files.readAllBytes(bin)));
    try (var data = IndexedDataset.open(dir.resolve("c"), true)) {
      assertThatThrownBy(() -> data.sequence(0))
          .isInstanceOf(UserException.class)
          .hasMessage(
              bin
                  + ": token 1 of sequence 0 is 1099511627776 (expected: a 32-bit id)."
                  + " The file is damaged.");
    }
  }

  private static Arguments idx(String name, UnaryOperator<byte[]> damage, String sentence) {
    return Arguments.of("index, " + name, ".idx", damage, sentence);
  }

  private static Arguments bin(String name, UnaryOperator<byte[]> damage, String sentence) {
    return Arguments.of("tokens, " + name, ".bin", damage, sentence);
  }

  private static UnaryOperator<byte[]> cut(int size) {
    return bytes -> Arrays.copyOf(bytes, size);
  }

  private static UnaryOperator<byte[]> put(int at, byte value) {
    return edit(buffer -> buffer.put(at, value));
  }

  private static UnaryOperator<byte[]> putInt(int at, int value) {
    return edit(buffer -> buffer.putInt(at, value));
  }

  private static UnaryOperator<byte[]> putLong(int at, long value) {
    return edit(buffer -> buffer.putLong(at, value));
  }

  private static UnaryOperator<byte[]> edit(UnaryOperator<ByteBuffer> edit) {
    return bytes -> edit.apply(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN)).array();
  }
}
