package io.tanuki4j.data.preprocess;

import io.tanuki4j.error.UserException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;

/**
 * What preprocessing reads and writes.
 *
 * @param inputs files of JSON lines, plain, .gz or .zst, in this order
 * @param jsonKeys keys; the texts of each become a corpus
 * @param outputPrefix corpora are named {@code prefix_key_document}
 * @param appendEod whether documents that have tokens end with the tokenizer's eod
 * @param workers threads that tokenize
 * @param partitions with more than one, line i goes to part {@code i mod partitions}, and the
 *     corpus consists of the parts one after the other, as in Megatron
 * @param keepSequentialSamples whether lines keep their order regardless of the partitions
 */
public record PreprocessConfig(
    List<Path> inputs,
    List<String> jsonKeys,
    Path outputPrefix,
    boolean appendEod,
    int workers,
    int partitions,
    boolean keepSequentialSamples) {

  /**
   * Checks the values.
   *
   * @throws UserException with a sentence if a value is out of range
   */
  public PreprocessConfig {
    inputs = List.copyOf(inputs);
    jsonKeys = List.copyOf(jsonKeys);
    require(!inputs.isEmpty(), "--input", inputs, "at least one file", "Name one.");
    require(!jsonKeys.isEmpty(), "--json-keys", jsonKeys, "at least one key", "Name one.");
    require(
        new HashSet<>(jsonKeys).size() == jsonKeys.size(),
        "--json-keys",
        jsonKeys,
        "each key once",
        "Leave out the repeated one.");
    require(partitions > 0, "--partitions", partitions, "1 or more", "Use 1.");
    require(
        workers > 0 && workers % Math.max(partitions, 1) == 0,
        "--workers",
        workers,
        "a positive multiple of --partitions " + partitions,
        "Use %d.".formatted(Math.max(1, partitions)));
  }

  private static void require(
      boolean condition, String flag, Object value, String expected, String remedy) {
    if (!condition) {
      throw new UserException("%s: %s (expected: %s). %s".formatted(flag, value, expected, remedy));
    }
  }

  /** Returns how often the lines are read: once for each part of the output. */
  int numPasses() {
    return keepSequentialSamples ? 1 : partitions;
  }

  /** Returns the path of a key's corpus, without .bin and .idx. */
  Path prefix(String key) {
    return Path.of("%s_%s_document".formatted(outputPrefix, key));
  }
}
