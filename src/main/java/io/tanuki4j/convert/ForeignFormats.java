package io.tanuki4j.convert;

import io.tanuki4j.flags.ConvertOptions;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The formats that {@code convert} knows: the only place that lists them. */
public final class ForeignFormats {
  private static final List<ForeignFormat> ALL =
      List.of(new HuggingFaceFormat(), new MegatronFormat(), new OwnFormat());

  private ForeignFormats() {}

  /** Returns every name, and why the format is not split by ranks; null if it is. */
  public static ConvertOptions.Formats forFlags() {
    Map<String, @Nullable String> whyWhole = new LinkedHashMap<>();
    for (ForeignFormat format : ALL) {
      format.names().forEach(name -> whyWhole.put(name, format.whyWhole()));
    }
    return new ConvertOptions.Formats(
        ALL.stream().map(format -> format.names().get(0)).toList(), whyWhole);
  }

  /**
   * Returns the format of a name.
   *
   * @throws IllegalStateException if the flags were not validated
   */
  public static ForeignFormat named(String name) {
    return ALL.stream()
        .filter(format -> format.names().contains(name))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("no format " + name));
  }
}
