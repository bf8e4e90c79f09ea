package io.tanuki4j.data;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.Gson;
import com.google.gson.reflect.TypeToken;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The cache folder after a build, name by name and byte by byte, against that of Megatron core
 * 0.12.3 (tools/reference/sample_orders.py), which does not look for our checksums.
 */
class MegatronCachesTest {
  @TempDir private Path cache;

  record Case(
      String name,
      int seed,
      int seq,
      List<Long> sizes,
      @Nullable List<String> data_path,
      @Nullable String split,
      @Nullable List<@Nullable List<String>> per_split,
      List<@Nullable Long> lengths,
      Map<String, String> files) {
    DataConfig config(Path cache) {
      return per_split != null
          ? TestData.separate(per_split, seq, seed, cache)
          : TestData.shared(requireNonNull(data_path), requireNonNull(split), seq, seed, cache);
    }

    @Override
    public String toString() {
      return name;
    }
  }

  static List<Case> cases() throws IOException {
    String json = Files.readString(Path.of("src/test/resources/data/megatron-caches.json"));
    return new Gson().fromJson(json, new TypeToken<List<Case>>() {}.getType());
  }

  @ParameterizedTest
  @MethodSource("cases")
  void are_equal_to_ours_and_found_again(Case expected) throws Exception {
    DataConfig config = expected.config(cache);
    List<Long> sizes = expected.sizes();
    SampleCounts counts = new SampleCounts(sizes.get(0), sizes.get(1), sizes.get(2));
    assertThat(lengths(config, counts)).isEqualTo(expected.lengths());
    assertThat(digests()).isEqualTo(expected.files());
    Map<String, String> times = times();
    assertThat(lengths(config, counts)).isEqualTo(expected.lengths());
    assertThat(times()).isEqualTo(times);
  }

  private static List<@Nullable Long> lengths(DataConfig config, SampleCounts counts) {
    List<@Nullable Long> lengths = new ArrayList<>();
    try (Datasets data = Datasets.build(config, counts, TestData.tokenizer())) {
      Stream.of(Split.values())
          .map(data::of)
          .forEach(dataset -> lengths.add(dataset == null ? null : dataset.size()));
    }
    return lengths;
  }

  private Map<String, String> digests() throws IOException, NoSuchAlgorithmException {
    Map<String, String> digests = new TreeMap<>();
    for (Path file : files()) {
      byte[] digest = MessageDigest.getInstance("MD5").digest(Files.readAllBytes(file));
      digests.put(file.getFileName().toString(), "%032x".formatted(new BigInteger(1, digest)));
    }
    return digests;
  }

  private Map<String, String> times() throws IOException {
    Map<String, String> times = new TreeMap<>();
    for (Path file : files()) {
      times.put(file.getFileName().toString(), Files.getLastModifiedTime(file).toString());
    }
    return times;
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(cache)) {
      return files.filter(file -> !file.toString().endsWith("-checksums.txt")).toList();
    }
  }
}
