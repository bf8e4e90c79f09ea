package io.tanuki4j.data;

import io.tanuki4j.data.DataConfig.Blend;
import io.tanuki4j.data.DataConfig.Reading;
import io.tanuki4j.data.DataConfig.Sources;
import io.tanuki4j.tokenizer.Tokenizer;
import io.tanuki4j.tokenizer.TokenizerConfig;
import io.tanuki4j.tokenizer.Tokenizers;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Configurations and corpora of the tests. */
final class TestData {
  static final String GOLDEN = "src/test/resources/golden/";

  private TestData() {}

  /** 512 ids; 511 ends documents. */
  static Tokenizer tokenizer() {
    return Tokenizers.open(new TokenizerConfig("NullTokenizer", null, 511, 0, false, 1));
  }

  static DataConfig shared(
      List<String> dataPath, String split, int seqLength, int seed, @Nullable Path cacheDir) {
    return new DataConfig(
        new Sources(Blend.parse(dataPath), null, null, null, split),
        new Reading(cacheDir, true, false, 1),
        seqLength,
        seed,
        DocumentMasks.NONE);
  }

  /** Paths of train, valid and test; null for a split without. */
  static DataConfig separate(
      List<@Nullable List<String>> paths, int seqLength, int seed, @Nullable Path cacheDir) {
    List<@Nullable Blend> blends = new ArrayList<>();
    paths.forEach(path -> blends.add(path == null ? null : Blend.parse(path)));
    return new DataConfig(
        new Sources(null, blends.get(0), blends.get(1), blends.get(2), "969, 30, 1"),
        new Reading(cacheDir, false, false, 1),
        seqLength,
        seed,
        DocumentMasks.NONE);
  }

  /** Writes a corpus of one document per array. */
  static void write(Path prefix, int[]... documents) {
    try (var writer = new IndexedDatasetWriter(prefix, TokenType.UINT16)) {
      for (int[] document : documents) {
        writer.addDocument(List.of(document));
      }
      writer.finish();
    }
  }
}
