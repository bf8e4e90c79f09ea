package io.tanuki4j.kernel.profile;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Where the time of some iterations went.
 *
 * @param rows calls of a kind, each kind once
 */
public record KernelProfile(List<Row> rows, int iterations) {
  private static final double GIGA = 1e9;
  private static final double TERA = 1e12;
  private static final double MILLIS_PER_SECOND = 1e3;
  private static final String COLUMNS = "%-28s %-34s %8s %10s %7s %16s %9s";

  public KernelProfile {
    rows = List.copyOf(rows);
  }

  /**
   * @param calls in all iterations
   * @param millis of all calls together
   */
  public record Row(KernelCall call, long calls, double millis) {
    private double seconds() {
      return millis / MILLIS_PER_SECOND;
    }

    private String rate() {
      if (call.flops() == 0) {
        return format("%.1f GB/s", call.bytes() * calls / seconds() / GIGA);
      }
      double rate = call.flops() * calls / seconds();
      return rate >= TERA
          ? format("%.1f TFLOP/s", rate / TERA)
          : format("%.1f GFLOP/s", rate / GIGA);
    }

    /** Returns the share of the time that an ideal machine of these rates would need, too. */
    private double roofline(DeviceRates rates) {
      return call.boundSeconds(rates) * calls / seconds();
    }
  }

  /** Returns the time of all kernels of an iteration, in milliseconds. */
  public double millisPerIteration() {
    return rows.stream().mapToDouble(Row::millis).sum() / iterations;
  }

  /** Returns the same by family; families that were not called are left out. */
  public Map<KernelFamily, Double> millisByFamily() {
    Map<KernelFamily, Double> millis = new EnumMap<>(KernelFamily.class);
    for (Row row : rows) {
      millis.merge(row.call().family(), row.millis() / iterations, Double::sum);
    }
    return millis;
  }

  /**
   * Returns a table for people, the slowest kind first. Its columns: calls and time per iteration,
   * share of all kernels, rate, and the share of the time that an ideal machine of these rates
   * would need.
   *
   * @param iterationMillis of an iteration that was not profiled
   */
  public List<String> table(DeviceRates rates, double iterationMillis) {
    double all = millisPerIteration();
    List<String> lines = new ArrayList<>();
    lines.add(format(COLUMNS, "kernel", "shape", "calls", "ms", "share", "rate", "roofline"));
    rows.stream()
        .sorted(Comparator.comparingDouble(Row::millis).reversed())
        .map(row -> line(row, rates, all))
        .forEach(lines::add);
    lines.add(
        format(
            "%.3f ms of kernels in a profiled iteration; %.3f ms take iterations without a profile",
            all, iterationMillis));
    return lines;
  }

  private String line(Row row, DeviceRates rates, double all) {
    double millis = row.millis() / iterations;
    return format(
        COLUMNS,
        row.call().operation(),
        row.call().shape(),
        format("%.0f", (double) row.calls() / iterations),
        format("%.3f", millis),
        format("%.1f %%", 100 * millis / all),
        row.rate(),
        format("%.0f %%", 100 * row.roofline(rates)));
  }

  private static String format(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }
}
