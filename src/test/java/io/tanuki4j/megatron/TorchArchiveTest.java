package io.tanuki4j.megatron;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.tensor.Shape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is written as torch.save does reads back, here and by other readers of ZIP files. */
class TorchArchiveTest {
  private static final int ALIGNMENT = 64;

  @TempDir Path folder;

  private Path write(Map<String, Object> content) throws IOException {
    Path file = folder.resolve("a.pt");
    try (TorchArchiveWriter archive = TorchArchiveWriter.create(file, "a")) {
      ShardedTensor counting =
          ShardedTensor.whole(
              "counting",
              ElementType.F32,
              Shape.of(3, 2),
              (first, into) -> {
                for (long i = first; into.hasRemaining(); i++) {
                  into.putFloat(i);
                }
              });
      content.put("tensor", archive.add(new SourceMatrix(counting), false));
      archive.publish(PickleWriter.write(content));
    }
    return file;
  }

  @Test
  void values_and_tensors_come_back() throws IOException {
    Map<String, Object> content = new LinkedHashMap<>();
    content.put("none", null);
    content.put("truth", true);
    content.put("whole", -5L);
    content.put("large", 1L << 40);
    content.put("number", 1e-5);
    content.put("text", "吾輩");
    content.put("list", List.of("a", 1L));
    content.put("args", new PickleWriter.Namespace(Map.of("lr", 1e-3)));
    Path file = write(content);
    try (FileChannel channel = FileChannel.open(file)) {
      TorchArchive archive = TorchArchive.open(new FileSlice("a.pt", channel, 0, channel.size()));
      Map<?, ?> read = (Map<?, ?>) requireNonNull(archive.content());
      for (String name : List.of("none", "truth", "whole", "large", "number", "text", "list")) {
        assertThat((Object) read.get(name)).as(name).isEqualTo(content.get(name));
      }
      assertThat(((PickledObject) requireNonNull(read.get("args"))).attributes())
          .isEqualTo(Map.of("lr", 1e-3));
      ByteBuffer values = ByteBuffer.allocate(3 * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      archive.matrix((TorchTensor) requireNonNull(read.get("tensor"))).read(2, values);
      assertThat(values.flip().asFloatBuffer()).isEqualTo(FloatBuffer.wrap(new float[] {2, 3, 4}));
    }
  }

  @Test
  void other_readers_find_every_entry_and_its_checksum() throws IOException {
    try (ZipFile zip = new ZipFile(write(new LinkedHashMap<>()).toFile())) {
      assertThat(zip.stream().map(ZipEntry::getName))
          .containsExactly(
              "a/data.pkl",
              "a/.format_version",
              "a/.storage_alignment",
              "a/byteorder",
              "a/data/0",
              "a/version");
      assertThat(zip.getInputStream(zip.getEntry("a/data/0")).readAllBytes()).hasSize(24);
      assertThat(zip.getInputStream(zip.getEntry("a/version")).readAllBytes())
          .asString()
          .isEqualTo("3\n");
    }
  }

  @Test
  void tensors_begin_at_multiples_of_64_bytes() throws IOException {
    Path file = write(new LinkedHashMap<>());
    try (FileChannel channel = FileChannel.open(file)) {
      Map<String, ArchiveEntry> entries =
          ZipDirectory.read(new FileSlice("a.pt", channel, 0, channel.size()));
      assertThat(entries.values().stream().map(entry -> entry.content().offset()))
          .allMatch(offset -> offset % ALIGNMENT == 0);
      assertThat(Arrays.copyOf(requireNonNull(entries.get("a/byteorder")).content().bytes(10), 6))
          .asString()
          .isEqualTo("little");
    }
  }
}
