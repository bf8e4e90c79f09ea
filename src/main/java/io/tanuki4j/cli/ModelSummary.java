package io.tanuki4j.cli;

import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.model.ModelConfig.Attention;
import io.tanuki4j.model.ModelConfig.Sizes;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Sums up a stored model in a few lines. */
final class ModelSummary {
  private static final List<String> DEGREES = List.of("tensor", "context", "pipeline");
  private static final double GIGA = 1e9;

  private final Map<String, String> lines = new LinkedHashMap<>();

  /** Adds the number of parameters and the types that they are stored in. */
  ModelSummary weights(long numParameters, List<String> types) {
    return line(
        "parameters", text("%,d in %s", numParameters, String.join(", ", new TreeSet<>(types))));
  }

  /** Adds the sizes of a model. */
  ModelSummary shape(ModelConfig model) {
    Sizes sizes = model.sizes();
    Attention attention = model.attention();
    return line(
        "shape",
        text(
            "%d layers, hidden size %d, feed-forward %d, %d heads of %d in %d groups, vocabulary %d,"
                + " sequences of %d",
            sizes.numLayers(),
            sizes.hiddenSize(),
            sizes.ffnHiddenSize(),
            attention.numHeads(),
            attention.headDim(),
            attention.numQueryGroups(),
            sizes.vocabSize(),
            sizes.seqLength()));
  }

  /** Adds the ranks of the run that wrote it, if its arguments tell. */
  ModelSummary layout(Map<String, ? extends @Nullable Object> arguments) {
    if (!(arguments.get("world_size") instanceof Number ranks)) {
      return this;
    }
    String degrees =
        DEGREES.stream()
            .map(
                axis ->
                    axis
                        + " "
                        + arguments.get(
                            axis
                                + (axis.equals("context")
                                    ? "_parallel_size"
                                    : "_model_parallel_size")))
            .collect(Collectors.joining(", "));
    return line(
        "written by",
        text(
            "%d ranks: %s, data %s",
            ranks.intValue(), degrees, String.valueOf(arguments.get("data_parallel_size"))));
  }

  /** Adds the size of the files. */
  ModelSummary files(long bytes, long numFiles) {
    return line("size", text("%.3f GB in %d files", bytes / GIGA, numFiles));
  }

  /** Adds a line. */
  ModelSummary line(String what, Object value) {
    lines.put(what, String.valueOf(value));
    return this;
  }

  /** Returns the lines, by what they say. */
  Map<String, String> lines() {
    return lines;
  }

  private static String text(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }
}
