package io.tanuki4j.checkpoint.safetensors;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.TensorEntry;
import io.tanuki4j.error.UserException;
import io.tanuki4j.tensor.Shape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsTest {
  private static final Path GOLDEN =
      Path.of("src/test/resources/golden/llama-tiny/hf/model.safetensors");

  @TempDir Path folder;

  @Test
  void reads_tensors_of_the_reference_writer() throws IOException {
    try (SafetensorsReader reader = SafetensorsReader.open(GOLDEN)) {
      assertThat(reader.metadata()).isEqualTo(SafetensorsWriter.PYTORCH);
      assertThat(reader.tensors()).hasSize(21);
      TensorEntry norm = reader.tensor("model.norm.weight");
      assertThat(norm.shape()).isEqualTo(Shape.of(64));
      ByteBuffer values = ByteBuffer.allocate(64 * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      reader.read(norm, 0, values);
      assertThat(values.flip().getFloat()).isEqualTo(0.94554627f);
    }
  }

  @Test
  void writes_the_bytes_of_the_reference_writer() throws IOException {
    Path copy = folder.resolve("copy.safetensors");
    try (SafetensorsReader reader = SafetensorsReader.open(GOLDEN)) {
      List<TensorEntry> tensors = new ArrayList<>();
      reader.tensors().forEach(t -> tensors.add(new TensorEntry(t.name(), t.type(), t.shape())));
      Collections.shuffle(tensors, new Random(1));
      try (SafetensorsWriter writer = SafetensorsWriter.create(copy, tensors, reader.metadata())) {
        for (TensorEntry tensor : writer.tensors()) {
          ByteBuffer bytes = ByteBuffer.allocate((int) tensor.numBytes());
          reader.read(reader.tensor(tensor.name()), 0, bytes);
          writer.append(bytes.flip());
        }
        assertThat(copy).doesNotExist();
        assertThat(writer.publish().size()).isEqualTo(Files.size(GOLDEN));
      }
    }
    assertThat(copy).hasSameBinaryContentAs(GOLDEN);
    assertThat(folder).isDirectoryNotContaining(path -> !path.equals(copy));
  }

  @Test
  void places_large_types_first_and_then_sorts_by_name() throws IOException {
    List<TensorEntry> tensors =
        List.of(
            new TensorEntry("b", ElementType.BF16, Shape.of(3)),
            new TensorEntry("a", ElementType.BF16, Shape.of()),
            new TensorEntry("z", ElementType.F32, Shape.of(2, 0)),
            new TensorEntry("y", ElementType.I64, Shape.of(1)));
    try (SafetensorsWriter writer =
        SafetensorsWriter.create(folder.resolve("x"), tensors, Map.of())) {
      assertThat(writer.tensors())
          .extracting(TensorEntry::name)
          .containsExactly("y", "z", "a", "b");
      assertThat(writer.tensors()).extracting(TensorEntry::begin).containsExactly(0L, 8L, 8L, 10L);
    }
  }

  @Test
  void an_unpublished_file_leaves_nothing() throws IOException {
    List<TensorEntry> one = List.of(new TensorEntry("a", ElementType.F32, Shape.of(2)));
    try (SafetensorsWriter writer = SafetensorsWriter.create(folder.resolve("x"), one, Map.of())) {
      writer.append(ByteBuffer.allocate(4));
      assertThatThrownBy(writer::publish)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("4 bytes of data were written (expected: 8)");
    }
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void reads_behind_two_gibibytes() throws IOException {
    Path file = folder.resolve("sparse.safetensors");
    long rows = 3L << 28;
    byte[] header =
        json("{'a':{'dtype':'F32','shape':[%d],'data_offsets':[0,%d]}}", rows, rows * 4);
    Files.write(file, withSize(header));
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      ByteBuffer last = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putFloat(7).flip();
      channel.write(last, 8 + header.length + (rows - 1) * 4);
    }
    try (SafetensorsReader reader = SafetensorsReader.open(file)) {
      ByteBuffer last = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
      reader.read(reader.tensor("a"), (rows - 1) * 4, last);
      assertThat(last.flip().getFloat()).isEqualTo(7);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"a", "abc", "a name of some length"})
  void begins_the_data_where_processors_copy_fast(String name) throws IOException {
    Path file = folder.resolve("x");
    List<TensorEntry> tensors = List.of(new TensorEntry(name, ElementType.F32, Shape.of(2)));
    try (SafetensorsWriter writer =
        SafetensorsWriter.create(file, tensors, Map.of(), SafetensorsWriter.FAST_ALIGNMENT)) {
      writer.append(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putFloat(4, 7));
      writer.publish();
    }
    try (SafetensorsReader reader = SafetensorsReader.open(file)) {
      assertThat(reader.positionOf(reader.tensor(name)) % SafetensorsWriter.FAST_ALIGNMENT)
          .isZero();
      ByteBuffer values = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
      reader.read(reader.tensor(name), 0, values);
      assertThat(values.getFloat(4)).isEqualTo(7);
    }
  }

  @Test
  void reads_a_header_padded_with_blanks() throws IOException {
    Files.write(folder.resolve("x"), withSize(json("{}   ")));
    try (SafetensorsReader reader = SafetensorsReader.open(folder.resolve("x"))) {
      assertThat(reader.tensors()).isEmpty();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "[]                                                  | does not begin with {",
        "{'a':1}                                             | no JSON of the expected form",
        "{'a':{'dtype':'F32'                                 | no JSON of the expected form",
        "{} {}                                               | no JSON of the expected form",
        "{'a':{'shape':[1],'data_offsets':[0,4]}}            | dtype (none)",
        "{'a':{'dtype':'F32','data_offsets':[0,4]}}          | tensor a has no shape",
        "{'a':{'dtype':'F32','shape':[1]}}                   | no pair of data_offsets",
        "{'a':{'dtype':'F33','shape':[1],'data_offsets':[0,4]}} | dtype F33",
        "{'a':{'dtype':'F32','shape':[-1],'data_offsets':[0,4]}} | negative size -1",
        "{'a':{'dtype':'F32','shape':['1'],'data_offsets':[0,4]}} | size that is no number",
        "{'a':{'dtype':'F32','shape':[1.5],'data_offsets':[0,4]}} | no JSON of the expected form",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,4]}} | 4 bytes (expected: 8)",
        "{'a':{'dtype':'F4','shape':[3],'data_offsets':[0,1]}} | impossible size: F4 [3]",
        "{'a':{'dtype':'F32','shape':[9223372036854775807],'data_offsets':[0,4]}} | impossible",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[4,8]}} | byte 4 (expected: 0,",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]},'b':{'dtype':'F32','shape':[1],"
            + "'data_offsets':[2,6]}} | tensor b begins at byte 2 (expected: 4,",
        "{'a':{'dtype':'F32','shape':[0],'data_offsets':[0,0]},'a':{'dtype':'F32','shape':[0],"
            + "'data_offsets':[0,0]}} | names a twice",
        "{'__metadata__':{'k':1}}                            | metadata k is no text",
        "{'__metadata__':{'k':'1','k':'2'}}                  | metadata names k twice",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}} | its header promises 66",
      })
  void names_what_is_wrong_in_a_header(String header, String reason) throws IOException {
    Path file = folder.resolve("x.safetensors");
    Files.write(file, withSize(json(header)));
    assertDamaged(file, reason);
  }

  @Test
  void names_what_is_wrong_with_the_size() throws IOException {
    byte[] golden = Files.readAllBytes(GOLDEN);
    Path file = folder.resolve("x.safetensors");
    Files.write(file, new byte[3]);
    assertDamaged(file, "it has 3 bytes (expected: at least 8)");
    Files.write(file, Arrays.copyOf(golden, 500));
    assertDamaged(file, "its header has 2144 bytes, but the file ends after 492");
    Files.write(file, Arrays.copyOf(golden, golden.length - 1));
    assertDamaged(file, "it has 634215 bytes, but its header promises 634216");
    Files.write(file, Arrays.copyOf(golden, golden.length + 1));
    assertDamaged(file, "it has 634217 bytes, but its header promises 634216");
    Files.write(file, "version https://git-lfs.github.com/spec/v1".getBytes(UTF_8));
    assertDamaged(file, "announce a header of 2336927755350992246 bytes");
    byte[] latin = withSize(json("{'a':1}"));
    latin[10] = (byte) 0xE4;
    Files.write(file, latin);
    assertDamaged(file, "its header is no UTF-8");
  }

  @Test
  void a_missing_file_is_named() {
    assertThatThrownBy(() -> SafetensorsReader.open(folder.resolve("none")))
        .isInstanceOf(UserException.class)
        .hasMessage(folder.resolve("none") + ": there is no such file. Check the path.");
  }

  private static void assertDamaged(Path file, String reason) {
    assertThatThrownBy(() -> SafetensorsReader.open(file))
        .isExactlyInstanceOf(UserException.class)
        .hasMessageStartingWith(file + ": ")
        .hasMessageContaining(reason)
        .hasMessageEndingWith("It is damaged, cut short or no safetensors file.");
  }

  private static byte[] json(String text, Object... arguments) {
    return text.replace('\'', '"').formatted(arguments).getBytes(UTF_8);
  }

  private static byte[] withSize(byte[] header) {
    return ByteBuffer.allocate(Long.BYTES + header.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(header.length)
        .put(header)
        .array();
  }
}
