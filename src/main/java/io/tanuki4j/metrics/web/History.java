package io.tanuki4j.metrics.web;

import io.tanuki4j.metrics.TimerMetrics;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The numbers of a run, a row per iteration, in columns by their names. Threads may read while one
 * adds.
 */
public final class History {
  /** The column with the rows' iterations. */
  static final String ITERATION = "iteration";

  private static final int FIRST_CAPACITY = 1024;

  private final Map<String, double[]> columns = new LinkedHashMap<>();
  private final Map<String, Double> latest = new LinkedHashMap<>();
  private Map<String, double[]> rankMillis = Map.of();
  private int numRows;

  /**
   * Some rows.
   *
   * @param firstRow number of the first row in the columns
   * @param columns values by name; NaN where a row has none
   * @param rankMillis times of an iteration on each rank by the names of its parts
   */
  record Slice(
      int firstRow, int numRows, Map<String, double[]> columns, Map<String, double[]> rankMillis) {}

  /** Adds an iteration. */
  public synchronized void add(long iteration, Map<String, Double> values) {
    put(ITERATION, iteration);
    values.forEach(this::put);
    numRows++;
  }

  private void put(String name, double value) {
    double[] column = columns.getOrDefault(name, new double[0]);
    if (column.length <= numRows) {
      int size = column.length;
      column = Arrays.copyOf(column, Math.max(FIRST_CAPACITY, 2 * numRows));
      Arrays.fill(column, size, column.length, Double.NaN);
      columns.put(name, column);
    }
    column[numRows] = value;
    latest.put(name, value);
  }

  /** Replaces the times of the ranks. */
  public synchronized void ranks(TimerMetrics metrics) {
    Map<String, double[]> millis = new LinkedHashMap<>();
    metrics.timers().forEach(timer -> millis.put(timer.name(), timer.millis()));
    ranks(millis);
  }

  /**
   * Replaces the times of the ranks.
   *
   * @param millis of each rank by the names of the iteration's parts
   */
  synchronized void ranks(Map<String, double[]> millis) {
    rankMillis = millis;
  }

  /** Returns copies of the rows from one on; of all rows if there is no such row yet. */
  synchronized Slice from(int row) {
    int first = row < 0 || row > numRows ? 0 : row;
    Map<String, double[]> copies = new LinkedHashMap<>();
    columns.forEach((name, column) -> copies.put(name, copyOfRange(column, first)));
    return new Slice(first, numRows, copies, rankMillis);
  }

  private double[] copyOfRange(double[] column, int first) {
    double[] copy = Arrays.copyOfRange(column, first, numRows);
    if (column.length < numRows) {
      Arrays.fill(copy, Math.max(0, column.length - first), copy.length, Double.NaN);
    }
    return copy;
  }

  synchronized int numRows() {
    return numRows;
  }

  synchronized Map<String, double[]> rankMillis() {
    return rankMillis;
  }

  /** Returns the last value of each name. */
  synchronized Map<String, Double> latest() {
    return new LinkedHashMap<>(latest);
  }
}
