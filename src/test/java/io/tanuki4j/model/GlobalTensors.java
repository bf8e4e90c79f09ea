package io.tanuki4j.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.nn.ParameterSpec;
import io.tanuki4j.nn.ParameterSpec.Slice;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/** The tensors of a whole model, put together from what its ranks have. */
final class GlobalTensors {
  private final Map<String, double[]> tensors = new TreeMap<>();

  /**
   * Adds a parameter's values, or gradient, of one rank. What another rank has too must be the same
   * there, to the last bit.
   */
  synchronized void put(ParameterSpec spec, double[] values) {
    long row = 0;
    for (Slice slice : spec.slices()) {
      put(slice, values, Math.toIntExact(row * spec.shape().rowSize()), spec.shape().rowSize());
      row += slice.rows();
    }
  }

  private void put(Slice slice, double[] values, int start, long columns) {
    double[] whole = tensors.computeIfAbsent(slice.name(), name -> undefined(slice));
    for (long row = 0; row < slice.rows(); row++) {
      long at = (slice.firstRow() + row) * slice.globalShape().rowSize() + slice.firstColumn();
      for (long column = 0; column < columns; column++) {
        int from = Math.toIntExact(start + row * columns + column);
        set(slice.name(), whole, Math.toIntExact(at + column), values[from]);
      }
    }
  }

  private static void set(String name, double[] whole, int at, double value) {
    if (!Double.isNaN(whole[at])) {
      assertThat(value).as("%s, element %d, of another rank", name, at).isEqualTo(whole[at]);
    }
    whole[at] = value;
  }

  private static double[] undefined(Slice slice) {
    double[] values = new double[Math.toIntExact(slice.globalShape().numElements())];
    Arrays.fill(values, Double.NaN);
    return values;
  }

  /** By global name; what no rank has is NaN. */
  Map<String, double[]> all() {
    return tensors;
  }
}
