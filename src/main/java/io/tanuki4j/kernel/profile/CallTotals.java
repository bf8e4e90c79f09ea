package io.tanuki4j.kernel.profile;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Adds up the calls of each kind. */
final class CallTotals implements TimedCalls {
  private final Map<KernelCall, Total> totals = new LinkedHashMap<>();

  private record Total(long calls, double millis) {
    static final Total NONE = new Total(0, 0);

    Total plus(double more) {
      return new Total(calls + 1, millis + more);
    }
  }

  @Override
  public void add(KernelCall call, double startMillis, double millis) {
    totals.put(call, totals.getOrDefault(call, Total.NONE).plus(millis));
  }

  /** Returns the kinds in the order of their first occurrence. */
  List<KernelProfile.Row> rows() {
    List<KernelProfile.Row> rows = new ArrayList<>();
    totals.forEach(
        (call, total) -> rows.add(new KernelProfile.Row(call, total.calls, total.millis)));
    return rows;
  }
}
