package io.tanuki4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class IndexedDatasetTest {
  private static final Path GOLDEN = Path.of("src", "test", "resources", "golden");

  @TempDir private Path dir;

  @Test
  void the_index_has_megatrons_bytes() throws IOException {
    Path prefix = dir.resolve("c");
    try (var writer = new IndexedDatasetWriter(prefix, TokenType.UINT16)) {
      writer.addDocument(List.of(new int[] {1, 65535}, new int[] {3}));
      writer.addDocument(List.of());
      writer.addDocument(new int[] {9, 4, 5, 9}, 1, 3);
      writer.finish();
    }
    ByteBuffer expected = ByteBuffer.allocate(34 + 3 * 12 + 4 * 8).order(ByteOrder.LITTLE_ENDIAN);
    expected.put("MMIDIDX\0\0".getBytes("US-ASCII")).putLong(1).put((byte) 8).putLong(3).putLong(4);
    expected.putInt(2).putInt(1).putInt(2).putLong(0).putLong(4).putLong(6);
    expected.putLong(0).putLong(2).putLong(2).putLong(3);
    assertThat(Files.readAllBytes(dir.resolve("c.idx"))).isEqualTo(expected.array());
    assertThat(Files.readAllBytes(dir.resolve("c.bin")))
        .isEqualTo(new byte[] {1, 0, -1, -1, 3, 0, 4, 0, 5, 0});
    assertThat(names()).containsExactlyInAnyOrder("c.bin", "c.idx");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "llama-tiny/a_text_document",
        "llama-tiny/b_text_document",
        "llama-tiny-zloss/a_text_document"
      })
  void a_corpus_of_megatrons_builder_comes_out_as_it_went_in(String name) throws IOException {
    Path original = GOLDEN.resolve(name);
    Path copy = dir.resolve("copy");
    try (var source = IndexedDataset.open(original, true);
        var writer = new IndexedDatasetWriter(copy, source.type())) {
      for (int i = 0; i < source.numDocuments(); i++) {
        writer.addDocument(
            IntStream.range(source.documentStart(i), source.documentStart(i + 1))
                .mapToObj(source::sequence)
                .toList());
      }
      writer.finish();
      assertThat(source.numTokens()).isPositive();
    }
    for (String suffix : List.of(".idx", ".bin")) {
      assertThat(IndexedDataset.file(copy, suffix))
          .hasSameBinaryContentAs(IndexedDataset.file(original, suffix));
    }
  }

  @ParameterizedTest
  @EnumSource(TokenType.class)
  void every_type_keeps_its_extremes_mapped_or_not(TokenType type) {
    int[] tokens =
        switch (type) {
          case UINT8 -> new int[] {0, 127, 128, 255};
          case INT8 -> new int[] {-128, 0, 127};
          case INT16 -> new int[] {-32768, 0, 32767};
          case UINT16 -> new int[] {0, 32768, 65535};
          case INT32, INT64 -> new int[] {Integer.MIN_VALUE, 7, Integer.MAX_VALUE};
        };
    write(type, new int[] {1}, tokens);
    for (boolean mapped : new boolean[] {true, false}) {
      try (var data = IndexedDataset.open(dir.resolve("c"), mapped)) {
        assertThat(data.type()).isEqualTo(type);
        assertThat(data.sequence(1)).isEqualTo(tokens);
        int[] part = new int[4];
        data.read(1, 1, 2, part, 2);
        assertThat(part).isEqualTo(new int[] {0, 0, tokens[1], tokens[2]});
      }
    }
  }

  @Test
  void reads_tokens_beyond_2_gib_and_across_windows() throws IOException {
    int length = (1 << 28) + 5;
    writeSparse(length, 3);
    try (RandomAccessFile bin = new RandomAccessFile(dir.resolve("c.bin").toFile(), "rw")) {
      bin.seek((1L << 30) - 4);
      bin.write(new byte[] {1, 2, 0, 0, 3, 0, 0, 0});
      bin.seek(3L * length * 4 - 4);
      bin.write(new byte[] {5, 0, 0, 0});
    }
    for (boolean mapped : new boolean[] {true, false}) {
      try (var data = IndexedDataset.open(dir.resolve("c"), mapped)) {
        int[] tokens = new int[3];
        data.read(0, (1 << 28) - 2, 3, tokens, 0);
        assertThat(tokens).isEqualTo(new int[] {0, 513, 3});
        data.read(2, length - 2, 2, tokens, 0);
        assertThat(tokens).isEqualTo(new int[] {0, 5, 3});
        assertThat(data.numTokens()).isEqualTo(3L * length);
      }
    }
  }

  @Test
  void an_empty_corpus_is_a_corpus() {
    write(TokenType.INT32);
    try (var data = IndexedDataset.open(dir.resolve("c"), true)) {
      assertThat(data.numSequences()).isZero();
      assertThat(data.numDocuments()).isZero();
      assertThat(data.numTokens()).isZero();
    }
  }

  @Test
  void the_type_follows_the_vocabulary_as_in_megatron() {
    assertThat(TokenType.forVocabulary(65499)).isEqualTo(TokenType.UINT16);
    assertThat(TokenType.forVocabulary(65500)).isEqualTo(TokenType.INT32);
  }

  @Test
  void a_token_out_of_range_is_refused() {
    try (var writer = new IndexedDatasetWriter(dir.resolve("c"), TokenType.UINT16)) {
      writer.addDocument(List.of());
      assertThatThrownBy(() -> writer.addDocument(List.of(new int[] {1, 65536})))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "document 1: token 65536 does not fit into uint16 (0 to 65535)."
                  + " Choose the type for the whole vocabulary.");
      assertThatThrownBy(() -> writer.addDocument(new int[] {-1}, 0, 1))
          .hasMessageContaining("token -1 does not fit");
    }
  }

  @Test
  void an_unfinished_corpus_leaves_the_old_one_and_no_other_file() throws IOException {
    write(TokenType.UINT16, new int[] {1, 2});
    try (var writer = new IndexedDatasetWriter(dir.resolve("c"), TokenType.UINT16)) {
      writer.addDocument(List.of(new int[] {3}));
    }
    assertThat(names()).containsExactlyInAnyOrder("c.bin", "c.idx");
    try (var data = IndexedDataset.open(dir.resolve("c"), true)) {
      assertThat(data.sequence(0)).containsExactly(1, 2);
    }
  }

  @Test
  void a_missing_folder_is_named() {
    Path prefix = dir.resolve("absent").resolve("c");
    assertThatThrownBy(() -> new IndexedDatasetWriter(prefix, TokenType.UINT16))
        .isInstanceOf(UserException.class)
        .hasMessageStartingWith(prefix + ".bin.tmp: cannot be created")
        .hasMessageEndingWith("Name a folder that exists and is writable.");
  }

  private void write(TokenType type, int[]... sequences) {
    try (var writer = new IndexedDatasetWriter(dir.resolve("c"), type)) {
      for (int[] sequence : sequences) {
        writer.addDocument(List.of(sequence));
      }
      writer.finish();
    }
  }

  /** A corpus of int32 zeros that takes no room on disk. */
  private void writeSparse(int length, int count) throws IOException {
    ByteBuffer idx =
        ByteBuffer.allocate(34 + count * 12 + 8 * (count + 1)).order(ByteOrder.LITTLE_ENDIAN);
    idx.put(SequenceIndex.magic()).putLong(1).put((byte) 4).putLong(count).putLong(count + 1L);
    for (int i = 0; i < count; i++) {
      idx.putInt(34 + 4 * i, length).putLong(34 + 4 * count + 8 * i, 4L * length * i);
    }
    for (int i = 0; i <= count; i++) {
      idx.putLong(34 + 12 * count + 8 * i, i);
    }
    Files.write(dir.resolve("c.idx"), idx.array());
    try (RandomAccessFile bin = new RandomAccessFile(dir.resolve("c.bin").toFile(), "rw")) {
      bin.setLength(4L * length * count);
    }
  }

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(dir)) {
      return files.map(path -> path.getFileName().toString()).toList();
    }
  }
}
