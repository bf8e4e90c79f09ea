package io.tanuki4j.metrics.web;

import java.util.List;
import java.util.Map;

/**
 * Metrics in Prometheus' text format (version 0.0.4), with names made from Megatron's: {@code lm
 * loss} is {@code tanuki4j_lm_loss}.
 */
final class PrometheusText {
  static final String TYPE = "text/plain; version=0.0.4; charset=utf-8";
  private static final String PREFIX = "tanuki4j_";
  private static final List<String> COUNTERS = List.of("consumed-samples", "consumed-tokens");
  private static final double MILLIS_PER_SECOND = 1e3;

  private PrometheusText() {}

  /**
   * Formats the latest values.
   *
   * @param latest values by Megatron's names
   * @param rankMillis times of an iteration on each rank by the names of its parts
   */
  static String of(Map<String, Double> latest, Map<String, double[]> rankMillis) {
    StringBuilder text = new StringBuilder();
    latest.forEach((name, value) -> metric(name, value, text));
    if (!rankMillis.isEmpty()) {
      String name = PREFIX + "rank_seconds";
      header(name, "gauge", "Time of a part of an iteration on a rank.", text);
      rankMillis.forEach((part, millis) -> ranks(name, part, millis, text));
    }
    return text.toString();
  }

  private static void metric(String name, double value, StringBuilder text) {
    boolean isCounter = COUNTERS.contains(name);
    String plain = PREFIX + name.replaceAll("[^A-Za-z0-9]+", "_") + (isCounter ? "_total" : "");
    header(plain, isCounter ? "counter" : "gauge", "Megatron's " + name + ".", text);
    text.append(plain).append(' ').append(number(value)).append('\n');
  }

  private static void header(String name, String type, String help, StringBuilder text) {
    text.append("# HELP ").append(name).append(' ').append(help).append('\n');
    text.append("# TYPE ").append(name).append(' ').append(type).append('\n');
  }

  private static void ranks(String name, String part, double[] millis, StringBuilder text) {
    for (int rank = 0; rank < millis.length; rank++) {
      text.append(
          "%s{rank=\"%d\",part=\"%s\"} %s\n"
              .formatted(name, rank, part, number(millis[rank] / MILLIS_PER_SECOND)));
    }
  }

  private static String number(double value) {
    if (Double.isInfinite(value)) {
      return value > 0 ? "+Inf" : "-Inf";
    }
    return Double.toString(value);
  }
}
