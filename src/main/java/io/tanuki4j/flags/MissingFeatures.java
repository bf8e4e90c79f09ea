package io.tanuki4j.flags;

import io.tanuki4j.config.Problems;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The features of Megatron that this program does not have, with their flags, as listed in
 * missing-features.tsv. A run that asks for one ends with a single sentence about it.
 */
final class MissingFeatures {
  private static final String TABLE = "missing-features.tsv";

  private MissingFeatures() {}

  /** Returns what is missing, a sentence for each feature's name. */
  static Map<String, String> sentences() {
    Map<String, String> sentences = new LinkedHashMap<>();
    for (List<String> row : FlagTable.rows(TABLE, 2)) {
      sentences.put(row.get(0), row.get(1));
    }
    return sentences;
  }

  /**
   * Stops a run that asks for a missing feature.
   *
   * @throws io.tanuki4j.config.ConfigException with a line for each feature
   */
  static void refuse(List<UnsupportedFlag> flags, Arguments arguments) {
    Problems problems = new Problems();
    sentences().forEach((feature, text) -> refuse(feature, text, flags, arguments, problems));
    problems.throwIfAny();
  }

  private static void refuse(
      String feature,
      String sentence,
      List<UnsupportedFlag> flags,
      Arguments arguments,
      Problems problems) {
    List<UnsupportedFlag> asking =
        flags.stream()
            .filter(flag -> flag.asksForFeature(arguments.get(flag.dest())))
            .filter(flag -> flag.text().equals(feature))
            .toList();
    if (asking.isEmpty()) {
      return;
    }
    UnsupportedFlag first = asking.get(0);
    Stream<UnsupportedFlag> given =
        flags.stream().filter(flag -> flag.text().equals(feature) && !flag.equals(first));
    String others =
        given
            .filter(flag -> arguments.isExplicit(flag.dest()))
            .map(UnsupportedFlag::name)
            .collect(Collectors.joining(", "));
    String value = first.shown(arguments.get(first.dest()), true);
    String shown = others.isEmpty() ? value : value + ", with " + others;
    problems.add(first.name(), shown, "not given", sentence);
  }
}
