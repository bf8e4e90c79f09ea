package io.tanuki4j.flags;

import io.tanuki4j.config.Problems;
import io.tanuki4j.data.DataConfig.Blend;
import io.tanuki4j.error.UserException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads lists of dataset prefixes, and reports which of their files are missing. */
final class Blends {
  private final String flag;
  private final Problems problems;

  /**
   * Reads a flag's lists.
   *
   * @param flag where the words come from, for messages
   */
  Blends(String flag, Problems problems) {
    this.flag = flag;
    this.problems = problems;
  }

  /** Reads a blend; null if there are no words, or none that can be used. */
  @Nullable Blend parse(@Nullable List<String> words) {
    if (words == null) {
      return null;
    }
    if (words.isEmpty()) {
      problems.add(
          flag, "no value", "prefixes of datasets", "Write the path without .bin or .idx.");
      return null;
    }
    try {
      Blend blend = Blend.parse(words);
      blend.prefixes().forEach(this::checkFiles);
      return blend;
    } catch (UserException e) {
      problems.add(flag, e);
      return null;
    }
  }

  private void checkFiles(String prefix) {
    for (String suffix : List.of(".idx", ".bin")) {
      Path file = Path.of(prefix + suffix);
      if (!Files.isRegularFile(file)) {
        problems.add(
            flag, prefix, "a prefix for which " + file + " exists", remedy(prefix, suffix));
        return;
      }
    }
  }

  private static String remedy(String prefix, String missing) {
    if (missing.equals(".bin")) {
      return "Copy it next to the .idx file, or preprocess the data again.";
    }
    for (String suffix : List.of(".bin", ".idx")) {
      if (prefix.endsWith(suffix)) {
        return "Write it without " + suffix + ".";
      }
    }
    return FileNames.question(
        Path.of(prefix), ".idx", true, "Make it from text with tanuki4j preprocess.");
  }
}
