package io.tanuki4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.data.DataConfig.Reading;
import io.tanuki4j.data.DataConfig.Sources;
import io.tanuki4j.error.UserException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DatasetsTest {
  @TempDir private Path dir;

  /** Corpora a and b of ten documents of ten tokens each. */
  @BeforeEach
  void write() {
    for (String name : List.of("a", "b")) {
      int token = name.equals("a") ? 1 : 2;
      TestData.write(
          dir.resolve(name),
          IntStream.range(0, 10)
              .mapToObj(i -> IntStream.range(0, 10).map(k -> token).toArray())
              .toArray(int[][]::new));
    }
  }

  @Test
  void an_empty_split_that_is_asked_for_samples_is_refused() {
    assertRefused(
        shared("998,1,1", "a"),
        dir.resolve("a")
            + " (valid): 0 tokens in 0 documents (expected: at least 1 to give 4 samples)."
            + " Use more data or give this split a larger share.");
    assertRefused(
        shared("998,1,1", "1", "a", "1", "b"),
        dir.resolve("a") + " (valid): 0 tokens in 0 documents (expected: at least 1 to give 3");
    assertRefused(
        shared("998,1,1", "a", "b"),
        dir.resolve("a") + " (valid): 0 tokens in 0 documents (expected: at least 5 to give any");
  }

  @Test
  void a_split_of_no_weight_or_without_a_request_is_null() {
    try (Datasets data = build(shared("9,1", "a"), new SampleCounts(4, 4, 4))) {
      assertThat(data.train()).isNotNull();
      assertThat(data.valid()).isNotNull();
      assertThat(data.test()).isNull();
    }
    try (Datasets data = build(shared("998,1,1", "a"), new SampleCounts(4, 0, 0))) {
      assertThat(data.train()).isNotNull();
      assertThat(data.valid()).isNull();
      assertThat(data.test()).isNull();
    }
  }

  @Test
  void a_blend_takes_samples_by_weight() {
    try (Datasets data = build(shared("1", "1", "a", "3", "b"), new SampleCounts(100, 0, 0))) {
      assertThat(firstTokens(data.train())).hasSize(100).filteredOn(t -> t == 1).hasSize(25);
    }
  }

  @Test
  void a_blend_without_weights_takes_each_sample_once() {
    try (Datasets data = build(shared("1", "a", "b"), new SampleCounts(48, 0, 0))) {
      assertThat(firstTokens(data.train())).hasSize(48).filteredOn(t -> t == 1).hasSize(24);
    }
  }

  @Test
  void a_blend_without_weights_that_is_too_small_is_refused_at_the_start() {
    assertThatThrownBy(() -> build(shared("1", "a", "b"), new SampleCounts(100, 0, 0)))
        .hasMessageStartingWith(
            "train data: one epoch of all datasets has 48 samples (expected: the 100 that the run"
                + " asks for). Give each dataset in --data-path a weight");
  }

  @Test
  void each_split_can_have_its_own_data() {
    List<@Nullable List<String>> paths =
        Arrays.asList(List.of(path("a")), List.of("7", path("b")), null);
    try (Datasets data = build(TestData.separate(paths, 4, 1234, dir), new SampleCounts(4, 4, 4))) {
      assertThat(firstTokens(data.train())).containsOnly(1).hasSize(24);
      assertThat(firstTokens(data.valid())).containsOnly(2).hasSize(24);
      assertThat(data.test()).isNull();
    }
  }

  @Test
  void one_source_of_data_must_be_given() {
    assertRefused(
        TestData.separate(Arrays.asList(null, null, null), 4, 1234, dir),
        "data: no path (expected: one source). Give --data-path with --split, or"
            + " --train-data-path, --valid-data-path and --test-data-path.");
    DataConfig one = shared("1", "a");
    DataConfig both =
        new DataConfig(
            new Sources(one.sources().shared(), one.sources().shared(), null, null, "1"),
            new Reading(dir, true, false, 1),
            4,
            1234,
            DocumentMasks.NONE);
    assertRefused(both, "data: both --data-path and paths per split (expected: one source).");
  }

  @Test
  void a_missing_corpus_is_named() {
    assertRefused(shared("1", "a", "b", "c"), dir.resolve("c.idx") + ": there is no such file.");
  }

  private DataConfig shared(String split, String... dataPath) {
    List<String> values =
        Arrays.stream(dataPath).map(s -> Character.isDigit(s.charAt(0)) ? s : path(s)).toList();
    return TestData.shared(values, split, 4, 1234, dir.resolve("cache"));
  }

  private String path(String name) {
    return dir.resolve(name).toString();
  }

  private static Datasets build(DataConfig config, SampleCounts counts) {
    return Datasets.build(config, counts, TestData.tokenizer());
  }

  private static void assertRefused(DataConfig config, String sentence) {
    assertThatThrownBy(() -> build(config, new SampleCounts(4, 4, 4)))
        .isInstanceOf(UserException.class)
        .hasMessageStartingWith(sentence);
  }

  private static List<Integer> firstTokens(@Nullable TokenDataset nullable) {
    TokenDataset dataset = Objects.requireNonNull(nullable);
    return IntStream.range(0, (int) dataset.size()).mapToObj(i -> dataset.sample(i)[0]).toList();
  }
}
