package io.tanuki4j.data;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.reflect.TypeToken;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The golden runs took their samples from Megatron core 0.12.3. */
class GoldenOrderTest {
  private static final int PREFIX = 12;

  @TempDir private Path cache;

  @ParameterizedTest
  @ValueSource(strings = {"llama-tiny", "llama-tiny-zloss"})
  void samples_and_indices_are_those_of_the_run(String name) throws IOException {
    Path run = Path.of(TestData.GOLDEN, name);
    JsonObject expected =
        new Gson().fromJson(Files.readString(run.resolve("expected.json")), JsonObject.class);
    JsonObject config = expected.getAsJsonObject("config");
    List<String> dataPath =
        strings(config, "data_path").stream()
            .map(s -> s.startsWith("@") ? run.resolve(s.substring(1)).toString() : s)
            .toList();
    DataConfig data =
        TestData.shared(
            dataPath,
            config.get("split").getAsString(),
            config.get("seq").getAsInt(),
            config.get("seed").getAsInt(),
            cache);
    SampleCounts counts =
        SampleCounts.of(
            config.get("iters").getAsLong(),
            null,
            config.get("gbs").getAsLong(),
            config.get("eval_interval").getAsLong(),
            config.get("eval_iters").getAsLong());
    try (Datasets datasets = Datasets.build(data, counts, TestData.tokenizer())) {
      assertSamples(datasets, Split.TRAIN, expected, "train_samples");
      assertSamples(datasets, Split.VALID, expected, "valid_samples");
    }
    assertIndices(run);
  }

  private static void assertSamples(Datasets datasets, Split split, JsonObject run, String key) {
    int[][] expected = new Gson().fromJson(run.get(key), int[][].class);
    TokenDataset dataset = Objects.requireNonNull(datasets.of(split));
    var share = new SequentialBatches.Share(1, 0, 1);
    try (var batches =
        new SequentialBatches(dataset, split.label(), share, MicrobatchBuilder.PLAIN, 0)) {
      for (int[] sample : expected) {
        assertThat(Arrays.copyOf(batches.next().tokens(), PREFIX)).isEqualTo(sample);
      }
    }
    assertThat(expected.length).isGreaterThanOrEqualTo(24);
  }

  /** Each index of the run has an equal twin in our cache, named after its corpus and split. */
  private void assertIndices(Path run) throws IOException {
    try (Stream<Path> files = Files.list(run.resolve("indices"))) {
      List<Path> indices = files.toList();
      assertThat(indices).hasSizeGreaterThanOrEqualTo(9);
      for (Path index : indices) {
        String[] name = index.getFileName().toString().split("-", 3);
        String twin = digest(name[0] + "_text_document", name[1]) + name[2];
        assertThat(cache.resolve(twin)).hasSameBinaryContentAs(index);
      }
    }
  }

  private String digest(String corpus, String split) throws IOException {
    String end = "-GPTDataset-" + split + "-description.txt";
    try (Stream<Path> files = Files.list(cache)) {
      for (Path file : files.filter(f -> f.toString().endsWith(end)).toList()) {
        if (Files.readString(file).contains(corpus + "\"")) {
          return file.getFileName().toString().replace("description.txt", "");
        }
      }
    }
    throw new AssertionError("no cache for " + corpus + end);
  }

  private static List<String> strings(JsonObject object, String key) {
    return new Gson().fromJson(object.get(key), new TypeToken<List<String>>() {}.getType());
  }
}
