package io.tanuki4j.nn;

import io.tanuki4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Consecutive elements of flat buffers.
 *
 * @param from inclusive
 * @param to exclusive
 */
public record FlatRange(long from, long to) {
  /**
   * @throws IllegalArgumentException if it ends before it begins
   */
  public FlatRange {
    if (from < 0 || from > to) {
      throw new IllegalArgumentException(
          "elements %d to %d (expected: 0 <= from <= to)".formatted(from, to));
    }
  }

  public long size() {
    return to - from;
  }

  /** Returns these elements of a buffer, without a copy. */
  public Tensor of(Tensor flat) {
    return flat.rows(from, to);
  }

  /** Returns the same ranges, in the same order, with adjacent ones joined. */
  public static List<FlatRange> merged(List<FlatRange> ranges) {
    List<FlatRange> merged = new ArrayList<>();
    for (FlatRange range : ranges) {
      int last = merged.size() - 1;
      if (last >= 0 && merged.get(last).to == range.from) {
        merged.set(last, new FlatRange(merged.get(last).from, range.to));
      } else {
        merged.add(range);
      }
    }
    return List.copyOf(merged);
  }
}
