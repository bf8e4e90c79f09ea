package io.tanuki4j.metrics;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What FP8 did to the tensors of linear layers in a log interval ({@code --log-fp8}).
 *
 * @param kinds of the whole model
 */
public record Fp8Metrics(long iteration, List<Kind> kinds) {
  public Fp8Metrics {
    kinds = List.copyOf(kinds);
  }

  /**
   * The tensors of one role in one linear layer of each block.
   *
   * @param name for example {@code mlp.down.input}
   * @param clipped share of the numbers that have the type's largest magnitude, because they were
   *     clipped to it or are just as large
   * @param zeros share of the numbers that are zero
   * @param scale the smallest of the blocks: that of the largest numbers
   */
  public record Kind(String name, double clipped, double zeros, double scale) {}

  /** Returns the numbers under names for files. */
  public Map<String, Double> values() {
    Map<String, Double> values = new LinkedHashMap<>();
    for (Kind kind : kinds) {
      values.put("fp8-clipped/" + kind.name(), kind.clipped());
      values.put("fp8-zeros/" + kind.name(), kind.zeros());
      values.put("fp8-scale/" + kind.name(), kind.scale());
    }
    return values;
  }
}
