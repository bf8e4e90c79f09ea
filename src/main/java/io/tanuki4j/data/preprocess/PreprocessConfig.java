package io.tanuki4j.data.preprocess;

import io.tanuki4j.error.UserException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;

/**
 * @param inputs files of JSON lines, plain, .gz or .zst, in this order
 * @param jsonKeys keys whose texts become a corpus each
 * @param outputPrefix corpora are named {@code prefix_key_document}
 * @param appendEod whether documents that have tokens end with the tokenizer's eod
 * @param workers threads that tokenize
 * @param partitions with more than one, line i goes to part {@code i mod partitions} and the corpus
 *     is the parts one after the other, as Megatron's is
 * @param keepSequentialSamples whether the order of the lines is kept whatever the partitions
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

  /** How often the lines are read: once for each part of the output. */
  int numPasses() {
    return keepSequentialSamples ? 1 : partitions;
  }

  /** Where a key's corpus goes, without .bin and .idx. */
  Path prefix(String key) {
    return Path.of("%s_%s_document".formatted(outputPrefix, key));
  }
}
