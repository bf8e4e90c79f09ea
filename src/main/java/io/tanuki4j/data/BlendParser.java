package io.tanuki4j.data;

import io.tanuki4j.error.UserException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads a list of datasets, with or without weights, by Megatron's rules. */
final class BlendParser {
  /** Dataset numbers are stored as numpy's int16. */
  private static final int MAX_DATASETS = 32766;

  private static final String DIGITS = "\\d+(?:_\\d+)*";

  /** What Python's {@code float()} accepts. */
  private static final Pattern NUMBER =
      Pattern.compile(
          "[+-]?(?:(?:D(?:\\.(?:D)?)?|\\.D)(?:e[+-]?D)?|inf(?:inity)?|nan)".replace("D", DIGITS),
          Pattern.CASE_INSENSITIVE);

  private BlendParser() {}

  static DataConfig.Blend parse(List<String> values) {
    List<String> firsts = new ArrayList<>();
    List<String> seconds = new ArrayList<>();
    for (int i = 0; i + 1 < values.size(); i += 2) {
      firsts.add(values.get(i).strip());
      seconds.add(values.get(i + 1).strip());
    }
    long numbers = firsts.stream().filter(first -> NUMBER.matcher(first).matches()).count();
    if (values.size() % 2 == 1 || numbers == 0) {
      return new DataConfig.Blend(values.stream().map(String::strip).toList(), null);
    }
    if (numbers < firsts.size()) {
      String other =
          firsts.stream()
              .filter(first -> !NUMBER.matcher(first).matches())
              .findFirst()
              .orElseThrow();
      throw new UserException(
          ("data path: %s stands where a weight is expected, as other datasets have one."
                  + " Give each dataset a weight, or none.")
              .formatted(other));
    }
    return new DataConfig.Blend(seconds, firsts.stream().map(BlendParser::number).toList());
  }

  /** Rejects lists that cannot be blended. */
  static void require(List<String> prefixes, @Nullable List<Double> weights) {
    if (prefixes.isEmpty() || prefixes.size() > MAX_DATASETS) {
      throw new UserException(
          "data path: %d datasets (expected: 1 to %d).".formatted(prefixes.size(), MAX_DATASETS));
    }
    if (weights == null) {
      return;
    }
    if (weights.size() != prefixes.size()) {
      throw new UserException(
          "data path: %d weights for %d datasets (expected: one for each)."
              .formatted(weights.size(), prefixes.size()));
    }
    for (int i = 0; i < weights.size(); i++) {
      double weight = weights.get(i);
      if (!(weight > 0) || Double.isInfinite(weight)) {
        throw new UserException(
            ("data path: weight %s of %s (expected: a number above 0). Leave out a"
                    + " dataset that is not wanted.")
                .formatted(weight, prefixes.get(i)));
      }
    }
  }

  private static double number(String text) {
    String plain = text.replace("_", "").toLowerCase(Locale.ROOT);
    if (plain.endsWith("nan")) {
      return Double.NaN;
    }
    if (plain.contains("inf")) {
      return plain.startsWith("-") ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
    }
    return Double.parseDouble(plain);
  }
}
