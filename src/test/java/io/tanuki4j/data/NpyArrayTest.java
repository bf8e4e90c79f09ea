package io.tanuki4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class NpyArrayTest {
  private static final int SIZE = 128 + 6 * 4;

  @TempDir private Path dir;

  @Test
  void reads_what_was_written() throws IOException {
    Path file = dir.resolve("a.npy");
    try (NpyWriter writer = new NpyWriter(file, NpyType.INT64, "(2,)", new Checksums())) {
      writer.putLong(-5);
      writer.putLong(1L << 40);
      writer.finish();
    }
    NpyArray longs = NpyArray.read(file, Set.of(NpyType.INT64), 1);
    assertThat(longs.rows()).isEqualTo(2);
    assertThat(longs.get(0)).isEqualTo(-5);
    assertThat(longs.get(1)).isEqualTo(1L << 40);
    try (NpyWriter writer = new NpyWriter(file, NpyType.INT16, "(2,)", new Checksums())) {
      writer.putShort(-3);
      writer.putShort(32766);
      writer.finish();
    }
    NpyArray shorts = NpyArray.read(file, Set.of(NpyType.INT16), 1);
    assertThat(shorts.get(0)).isEqualTo(-3);
    assertThat(shorts.get(1)).isEqualTo(32766);
  }

  @Test
  void pieces_in_any_order_make_the_file_and_the_checksum_of_one_go() throws IOException {
    int[] values = IntStream.range(0, 100_000).map(i -> i * 31).toArray();
    Checksums checksums = new Checksums();
    try (NpyWriter writer =
        new NpyWriter(dir.resolve("a.npy"), NpyType.INT32, "(100000,)", checksums)) {
      writer.putInts(values);
      writer.finish();
    }
    String expected = checksums.text();
    byte[] bytes = Files.readAllBytes(dir.resolve("a.npy"));
    try (NpyWriter writer =
        new NpyWriter(dir.resolve("a.npy"), NpyType.INT32, "(100000,)", checksums)) {
      for (int[] part : new int[][] {{70_000, 100_000}, {70_000, 70_000}, {0, 0}, {0, 70_000}}) {
        try (NpyPiece piece = writer.piece(4L * part[0])) {
          piece.putInts(Arrays.copyOfRange(values, part[0], part[1]), part[1] - part[0]);
        }
      }
      writer.finish();
    }
    assertThat(checksums.text()).isEqualTo(expected);
    assertThat(dir.resolve("a.npy")).hasBinaryContent(bytes);
    Checksums.require(Files.writeString(dir.resolve("sums"), expected), dir.resolve("a.npy"));
  }

  @Test
  void a_missing_piece_is_a_fault() throws IOException {
    try (NpyWriter writer =
        new NpyWriter(dir.resolve("a.npy"), NpyType.INT32, "(2,)", new Checksums())) {
      try (NpyPiece piece = writer.piece(4)) {
        piece.putInt(1);
      }
      assertThatThrownBy(writer::finish)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageEndingWith("a.npy: bytes 128 to 132 were not written");
    }
    assertThat(dir).isEmptyDirectory();
  }

  @Test
  void unsigned_numbers_are_not_negative() throws IOException {
    Path file = dir.resolve("a.npy");
    try (NpyWriter writer = new NpyWriter(file, NpyType.UINT32, "(1,)", new Checksums())) {
      writer.putInt(-1);
      writer.finish();
    }
    assertThat(NpyArray.read(file, Set.of(NpyType.UINT32), 1).get(0)).isEqualTo(4294967295L);
  }

  @Test
  void a_file_that_is_not_finished_is_not_there() throws IOException {
    try (NpyWriter writer =
        new NpyWriter(dir.resolve("a.npy"), NpyType.INT32, "(1,)", new Checksums())) {
      writer.putInt(1);
    }
    assertThat(dir).isEmptyDirectory();
  }

  static Stream<Arguments> damages() {
    return Stream.of(
        damage("empty", b -> new byte[0], "0 bytes (expected: a header of 10)"),
        damage("cut in the header", cut(100), "100 bytes (expected: a header of 128)"),
        damage("cut", cut(SIZE - 1), "151 bytes (expected: 152)"),
        damage("longer", cut(SIZE + 4), "156 bytes (expected: 152)"),
        damage("foreign", put(1, 'n'), "it does not begin with \\x93NUMPY"),
        damage("version", put(6, '\2'), "version 2.0 (expected: 1.0)"),
        damage("long header", put(9, '\1'), "152 bytes (expected: a header of 384)"),
        damage("type", swap("<i4", "<f4"), "element type <f4 (expected: <i4 or <i8)"),
        damage("other type", swap("<i4", "<u4"), "element type <u4 (expected: <i4 or <i8)"),
        damage("big endian", swap("<i4", ">i4"), "element type >i4 (expected: <i4 or <i8)"),
        damage("order", swap("False", "True "), "header {'descr': '<i4', 'fortran_order': True ,"),
        damage("fortran", swap("False, ", "True, "), "fortran_order True (expected: False)"),
        damage("one dimension", swap("(3, 2)", "(6,)  "), "header {'descr'"),
        damage("other dimension", swap("(3, 2), }", "(6,), }  "), "1 columns (expected: 2)"),
        damage("columns", swap("(3, 2)", "(2, 3)"), "3 columns (expected: 2)"),
        damage("rows", swap("(3, 2)", "(9, 2)"), "152 bytes (expected: 200)"),
        damage("no rows", swap("(3, 2)", "(x, 2)"), "header {'descr'"),
        damage("scalar", swap("(3, 2), }", "(), }    "), "header {'descr'"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("damages")
  void names_the_file_and_the_reason(String name, UnaryOperator<byte[]> damage, String sentence)
      throws IOException {
    Path file = dir.resolve("a.npy");
    try (NpyWriter writer = new NpyWriter(file, NpyType.INT32, "(3, 2)", new Checksums())) {
      writer.putInts(new int[] {1, 2, 3, 4, 5, 6});
      writer.finish();
    }
    Files.write(file, damage.apply(Files.readAllBytes(file)));
    assertThatThrownBy(() -> NpyArray.read(file, Set.of(NpyType.INT32, NpyType.INT64), 2))
        .as(name)
        .isInstanceOf(UserException.class)
        .hasMessageStartingWith(file + ": " + sentence)
        .hasMessageEndingWith(
            ". The file is damaged or of another program; delete it, and it is built again.");
  }

  private static Arguments damage(String name, UnaryOperator<byte[]> damage, String sentence) {
    return Arguments.of(name, damage, sentence);
  }

  private static UnaryOperator<byte[]> cut(int size) {
    return bytes -> Arrays.copyOf(bytes, size);
  }

  private static UnaryOperator<byte[]> put(int at, char value) {
    return bytes -> {
      bytes[at] = (byte) value;
      return bytes;
    };
  }

  /** Replaces a text of the header, which keeps its size. */
  private static UnaryOperator<byte[]> swap(String from, String to) {
    return bytes -> {
      String text = new String(bytes, StandardCharsets.ISO_8859_1);
      String padded = text.replace(from, to);
      String filling = " ".repeat(text.length() - padded.length());
      return padded.replace("}", "}" + filling).getBytes(StandardCharsets.ISO_8859_1);
    };
  }
}
