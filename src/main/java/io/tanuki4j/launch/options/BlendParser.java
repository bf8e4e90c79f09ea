package io.tanuki4j.launch.options;

import io.tanuki4j.config.Problems;
import io.tanuki4j.data.DataConfig.Blend;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads lists of dataset prefixes, with or without weights, by Megatron's rule: an even number of
 * words is taken as (weight, prefix) pairs if every first word of a pair is a number.
 */
final class BlendParser {
  private final String flag;
  private final Problems problems;

  /**
   * @param flag where the words come from, for messages
   */
  BlendParser(String flag, Problems problems) {
    this.flag = flag;
    this.problems = problems;
  }

  /** Null if there are no words, or none that can be used. */
  @Nullable Blend parse(@Nullable List<String> words) {
    if (words == null) {
      return null;
    }
    if (words.isEmpty()) {
      problems.add(
          flag, "no value", "prefixes of datasets", "Write the path without .bin or .idx.");
      return null;
    }
    Blend blend = split(words);
    if (blend != null) {
      blend.prefixes().forEach(this::checkFiles);
    }
    return blend;
  }

  private @Nullable Blend split(List<String> words) {
    long weights = words.size() % 2 == 0 ? countWeights(words) : 0;
    if (weights == 0) {
      return new Blend(words.stream().map(String::strip).toList(), null);
    }
    if (weights < words.size() / 2) {
      problems.add(
          flag,
          String.join(" ", words),
          "a weight before each prefix, or before none",
          "Add the weights that are missing, or leave all out.");
      return null;
    }
    return weighted(words);
  }

  private static long countWeights(List<String> words) {
    long weights = 0;
    for (int i = 0; i < words.size(); i += 2) {
      weights += PythonNumbers.isDouble(words.get(i)) ? 1 : 0;
    }
    return weights;
  }

  private Blend weighted(List<String> words) {
    List<String> prefixes = new ArrayList<>();
    List<Double> weights = new ArrayList<>();
    for (int i = 0; i < words.size(); i += 2) {
      weights.add(PythonNumbers.parseDouble(words.get(i)));
      prefixes.add(words.get(i + 1).strip());
      problems.positive(flag, weights.get(i / 2), "Weights only count by their ratio.");
    }
    return new Blend(prefixes, weights);
  }

  private void checkFiles(String prefix) {
    for (String suffix : List.of(".idx", ".bin")) {
      Path file = Path.of(prefix + suffix);
      if (!Files.isRegularFile(file)) {
        problems.add(flag, prefix, "a prefix for which " + file + " exists", remedy(prefix));
        return;
      }
    }
  }

  private static String remedy(String prefix) {
    for (String suffix : List.of(".bin", ".idx")) {
      if (prefix.endsWith(suffix)) {
        return "Write it without " + suffix + ".";
      }
    }
    return FileNames.question(
        Path.of(prefix), ".idx", true, "Make it from text with tanuki4j preprocess.");
  }
}
