package io.tanuki4j.data;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the sample orders of a run have in common.
 *
 * @param splitText {@code --split} as given; null if every split has its own data
 * @param tokenizer Megatron's identity of the tokenizer
 * @param vocabSize all ids must be below it
 * @param cacheDir {@code --data-cache-path}; null for a folder next to each corpus
 */
record OrderSettings(
    int seed,
    int seqLength,
    @Nullable String splitText,
    Map<String, Object> tokenizer,
    int vocabSize,
    @Nullable Path cacheDir) {

  /**
   * Returns what Megatron hashes into the name of a corpus's sample order. The order of keys
   * matters.
   */
  Map<String, @Nullable Object> identifiers(Slice slice) {
    Map<String, @Nullable Object> map = new LinkedHashMap<>();
    map.put("class", GptDataset.CLASS);
    map.put("dataset_path", slice.path());
    map.put("num_samples", slice.numSamples());
    map.put("index_split", slice.split().label());
    map.put("random_seed", seed);
    map.put("sequence_length", seqLength);
    map.put("split", splitText);
    map.put("split_matrix", splitText == null ? null : SplitRatios.parse(splitText).toJson());
    map.put("tokenizer", tokenizer);
    return map;
  }

  /**
   * A part of a corpus: sequences {@code from} (inclusive) to {@code to} (exclusive).
   *
   * @param path of the corpus as the user wrote it
   * @param numSamples to build; null for one epoch
   */
  record Slice(String path, Split split, int from, int to, @Nullable Long numSamples) {
    /** Describes the slice for messages. */
    String describe() {
      return "%s (%s)".formatted(path, split.label());
    }
  }
}
