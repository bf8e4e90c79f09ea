package io.tanuki4j.metrics.web;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import io.tanuki4j.metrics.LogTail;
import java.io.IOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the page shows of a run, as JSON.
 *
 * @param about what the run is; empty if that is unknown
 * @param history its numbers
 */
record RunView(Map<String, @Nullable Object> about, History history) {
  /** Escapes {@code <}, so that no text can end a script element. */
  private static final Gson GSON = new GsonBuilder().serializeNulls().create();

  /**
   * Writes the rows from one on.
   *
   * @param log lines of the log
   * @param others runs to compare with, by their names
   */
  void write(int firstRow, LogTail.Lines log, Map<String, History> others, Appendable out)
      throws IOException {
    History.Slice rows = history.from(firstRow);
    out.append("{\"run\":").append(GSON.toJson(about));
    out.append(",\"from\":").append(Integer.toString(rows.firstRow()));
    out.append(",\"rows\":").append(Integer.toString(rows.numRows()));
    out.append(",\"columns\":");
    columns(rows.columns(), out);
    out.append(",\"timers\":");
    columns(rows.rankMillis(), out);
    out.append(",\"log\":").append(GSON.toJson(log.lines()));
    out.append(",\"logFrom\":").append(Long.toString(log.first()));
    out.append(",\"others\":{");
    String comma = "";
    for (Map.Entry<String, History> other : others.entrySet()) {
      out.append(comma).append(GSON.toJson(other.getKey())).append(':');
      columns(other.getValue().from(0).columns(), out);
      comma = ",";
    }
    out.append("}}");
  }

  private static void columns(Map<String, double[]> columns, Appendable out) throws IOException {
    out.append('{');
    String comma = "";
    for (Map.Entry<String, double[]> column : columns.entrySet()) {
      out.append(comma).append(GSON.toJson(column.getKey())).append(":[");
      for (int i = 0; i < column.getValue().length; i++) {
        out.append(i == 0 ? "" : ",").append(number(column.getValue()[i]));
      }
      out.append(']');
      comma = ",";
    }
    out.append('}');
  }

  /** Formats whole numbers in full, others with the digits of a float, which a screen can show. */
  static String number(double value) {
    if (!Double.isFinite(value)) {
      return "null";
    }
    long whole = (long) value;
    return whole == value ? Long.toString(whole) : Float.toString((float) value);
  }
}
