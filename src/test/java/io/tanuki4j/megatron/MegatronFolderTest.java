package io.tanuki4j.megatron;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.checkpoint.TrainState;
import io.tanuki4j.checkpoint.disk.NewFile.Folders;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.convert.ConversionSource;
import io.tanuki4j.convert.FullDisk;
import io.tanuki4j.convert.MegatronFormat;
import io.tanuki4j.convert.TensorComparison;
import io.tanuki4j.error.UserException;
import io.tanuki4j.model.MegatronArguments;
import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.model.ModelConfig.Attention;
import io.tanuki4j.model.ModelConfig.Recompute;
import io.tanuki4j.model.ModelConfig.Sizes;
import io.tanuki4j.model.ModelConfig.Training;
import io.tanuki4j.model.ModelParameters;
import io.tanuki4j.model.TestModels;
import io.tanuki4j.model.TestModels.Family;
import io.tanuki4j.tensor.Shape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a Megatron checkpoint is read as, and each way to break it. */
class MegatronFolderTest {
  private static final Path FIXTURES = Path.of("src/test/resources/megatron");
  private static final long SEED = 5;

  @TempDir Path folder;

  private static ConversionSource open(Path path) throws IOException {
    return MegatronFormat.open(path, null, null);
  }

  /** A copy of a fixture that may be broken. */
  private Path copy(String fixture) throws IOException {
    Path source = FIXTURES.resolve(fixture);
    try (Stream<Path> files = Files.walk(source)) {
      for (Path each : files.toList()) {
        Path target = folder.resolve(source.relativize(each).toString());
        if (Files.isDirectory(each)) {
          Files.createDirectories(target);
        } else {
          Files.copy(each, target);
        }
      }
    }
    return folder;
  }

  @Test
  void both_formats_and_the_layouts_of_both_have_the_same_weights() throws IOException {
    try (ConversionSource ranks = open(FIXTURES.resolve("vpp/torch"));
        ConversionSource dist = open(FIXTURES.resolve("vpp/torch_dist"))) {
      TensorComparison.requireEqual(ranks.tensors(), dist.tensors());
      assertThat(ranks.tensors()).hasSize(4 * 9 + 3);
      assertThat(dist.state().iteration()).isEqualTo(7);
      assertThat(dist.state().consumedTrainSamples()).isEqualTo(28);
      assertThat(dist.state().arguments())
          .containsEntry("num_layers", 4L)
          .containsEntry("lr", 1e-3);
      assertThat(dist.state().arguments()).doesNotContainKey("attention_backend");
    }
  }

  @Test
  void one_iteration_may_be_named_by_its_folder_or_its_number() throws IOException {
    Path folder = FIXTURES.resolve("te/torch");
    Path one = folder.resolve("iter_0000007");
    try (ConversionSource byFolder = open(one);
        ConversionSource byNumber = MegatronFormat.open(folder, 7, null)) {
      TensorComparison.requireEqual(byFolder.tensors(), byNumber.tensors());
    }
    assertThatThrownBy(() -> MegatronFormat.open(folder, 8, null))
        .isInstanceOf(UserException.class)
        .hasMessageContaining("iter_0000008: there is no checkpoint of Megatron");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "vpp/torch | mp_rank_01_001 | folders of ranks",
        "vpp/torch_dist | __2_0.distcp | there is no such file",
        "vpp/torch_dist | common.pt | there is no such file",
        "te/torch | mp_rank_00 | there is no checkpoint of Megatron",
      })
  void what_is_missing_is_named(String fixture, String lost, String sentence) throws IOException {
    Path path = copy(fixture);
    Folders.delete(path.resolve("iter_0000007").resolve(lost));
    assertThatThrownBy(() -> open(path))
        .isInstanceOf(UserException.class)
        .hasMessageContaining(sentence);
  }

  /** The same file with other bytes of the same number in its pickle. */
  private Path replaced(String from, String to) throws IOException {
    Path path = copy("te/torch");
    Path file = path.resolve("iter_0000007/mp_rank_00/model_optim_rng.pt");
    String bytes = Files.readString(file, ISO_8859_1);
    assertThat(bytes).contains(from);
    Files.writeString(file, withoutChecksums(bytes.replace(from, to)), ISO_8859_1);
    return path;
  }

  /** As torch writes the directory when it is told to compute no checksums. */
  private static String withoutChecksums(String zip) {
    return zip.replaceAll("(?s)(PK\u0001\u0002.{12}).{4}", "$1\0\0\0\0");
  }

  @Test
  void a_changed_tensor_is_refused() throws IOException {
    Path path = copy("te/torch");
    Path file = path.resolve("iter_0000007/mp_rank_00/model_optim_rng.pt");
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length / 2] ^= 1;
    Files.write(file, bytes);
    assertThatThrownBy(() -> open(path))
        .isInstanceOf(UserException.class)
        .hasMessageContaining("the checksum of its entry");
  }

  @Test
  void an_older_order_of_queries_keys_and_values_is_refused() throws IOException {
    Path path = replaced("G@\u0008\0\0\0\0\0\0", "G@\0\0\0\0\0\0\0");
    assertThatThrownBy(() -> open(path))
        .isInstanceOf(UserException.class)
        .hasMessageContaining("its checkpoint_version is 2.0 (expected: 3.0 or later");
  }

  @Test
  void an_argument_of_another_model_is_refused() throws IOException {
    Path path = replaced("kv_channels", "window_size");
    assertThatThrownBy(() -> open(path))
        .isInstanceOf(UserException.class)
        .hasMessageContaining("its argument window_size is 4 (expected: None");
  }

  /** Every tensor of a family's model, in order of its names, with random numbers. */
  private static List<ShardedTensor> tensors(ModelConfig model) {
    List<ShardedTensor> tensors = new ArrayList<>();
    new TreeMap<>(ModelParameters.globalShapes(model))
        .forEach(
            (name, shape) -> {
              float[] values = new float[Math.toIntExact(shape.numElements())];
              Random random = new Random(name.hashCode());
              for (int i = 0; i < values.length; i++) {
                values[i] = 0.5f + random.nextFloat();
              }
              tensors.add(
                  ShardedTensor.whole(
                      name,
                      ElementType.F32,
                      shape,
                      (first, into) -> {
                        for (int i = Math.toIntExact(first); into.hasRemaining(); i++) {
                          into.putFloat(values[i]);
                        }
                      }));
            });
    return tensors;
  }

  private static ModelConfig model(Family family, boolean tied) {
    return new ModelConfig(
        new Sizes(4, 16, 24, 20, 8, 8),
        new Attention(4, 2, 6),
        TestModels.ROTARY,
        family.layers(),
        family.embeddings(tied),
        new Training(0.02, 0, Recompute.NONE));
  }

  /** Between 0.5 and 1.5, taking 1 off and adding it again changes no bit. */
  @ParameterizedTest(name = "{0}, tp {1}, pp {2}, norms less one {3}, pairs {4}")
  @CsvSource({
    "LLAMA, 2, 2, true, false",
    "QWEN2, 1, 1, false, false",
    "QWEN2, 2, 2, false, true",
    "QWEN3, 2, 1, true, true",
    "GPT, 1, 1, false, true",
    "GPT, 2, 2, true, false",
    "MIXED, 2, 4, false, false",
    "SCALED, 1, 2, false, false"
  })
  void what_layers_are_made_of_is_read_as_it_was_written(
      Family family, int tp, int pp, boolean normsLessOne, boolean pairs) throws IOException {
    for (boolean transformerEngine : new boolean[] {false, true}) {
      ModelConfig model = model(family, transformerEngine);
      Map<String, Object> arguments = new LinkedHashMap<>(MegatronArguments.of(model));
      arguments.put("apply_layernorm_1p", normsLessOne);
      arguments.put("rotary_interleaved", pairs);
      List<ShardedTensor> tensors = tensors(model);
      Path path = folder.resolve("te-" + transformerEngine);
      Path whole =
          new MegatronWriter(path, model, new MegatronWriter.Target(tp, pp, transformerEngine))
              .write(new TrainState(1, 0, 0, 20, Map.of(), Map.of(), arguments), tensors);
      try (ConversionSource written = MegatronFormat.open(path, null, null)) {
        TensorComparison.requireEqual(tensors, written.tensors());
        assertThat(written.tensors()).hasSameSizeAs(tensors);
        assertThat(written.model().shape()).isEqualTo(model);
      }
      assertThat(whole).isDirectoryContaining("glob:**mp_rank_00*");
    }
  }

  @Test
  void a_checkpoint_that_cannot_be_written_is_a_sentence_and_leaves_nothing() {
    ModelConfig model = model(Family.LLAMA, false);
    Path path = folder.resolve("full");
    MegatronWriter writer = new MegatronWriter(path, model, new MegatronWriter.Target(1, 1, true));
    TrainState state = new TrainState(1, 0, 0, 20, Map.of(), Map.of(), MegatronArguments.of(model));
    List<ShardedTensor> unreadable = tensors(model).stream().map(FullDisk::instead).toList();
    assertThatThrownBy(() -> writer.write(state, unreadable))
        .hasMessage(FullDisk.sentence(path.resolve("iter_0000001")));
    assertThat(path).isEmptyDirectory();
  }

  @Test
  void norms_without_their_1_are_stored_less_1() throws IOException {
    ShardedTensor weight =
        ShardedTensor.whole(
            "w", ElementType.BF16, Shape.of(2), (first, into) -> into.putInt(0x3b80_3c00));
    ByteBuffer read = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    new Shifted(new SourceMatrix(weight), 1).read(0, read);
    assertThat(read.getFloat(0)).isEqualTo(1 + 0x1p-7f);
    assertThat(read.getFloat(4)).isEqualTo(1 + 0x1p-8f);
  }

  /** Whatever byte is wrong or missing: a sentence, or weights that can be read; never a fault. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "te/torch: mp_rank_00/model_optim_rng.pt",
        "vpp/torch_dist: .metadata",
        "vpp/torch_dist: __1_0.distcp",
        "vpp/torch_dist: common.pt",
      })
  void damage_is_a_sentence(String place) throws IOException {
    String[] parts = place.split(": ", 2);
    Path file = copy(parts[0]).resolve("iter_0000007").resolve(parts[1]);
    byte[] whole = Files.readAllBytes(file);
    Random random = new Random(SEED);
    for (int i = 0; i < 30; i++) {
      byte[] bytes =
          i % 3 == 0 ? Arrays.copyOf(whole, random.nextInt(whole.length)) : whole.clone();
      for (int flips = 0; flips < i % 3 && bytes.length > 0; flips++) {
        bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
      }
      Files.write(file, bytes);
      try (ConversionSource source = open(folder)) {
        readAll(source.tensors());
      } catch (UserException | IllegalArgumentException e) {
        assertThat(e.getMessage()).doesNotContain("java.").endsWith(".");
      }
    }
  }

  private static void readAll(List<ShardedTensor> tensors) throws IOException {
    for (ShardedTensor tensor : tensors) {
      int bytes = Math.toIntExact(tensor.numBytes());
      tensor.content().read(0, ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN));
    }
  }
}
