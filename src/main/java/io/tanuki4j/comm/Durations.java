package io.tanuki4j.comm;

import java.time.Duration;

/** Formats durations for messages. */
public final class Durations {
  private Durations() {}

  /** Returns a duration as text, for example {@code 60 s} or {@code 0.2 s}. */
  public static String text(Duration duration) {
    long millis = duration.toMillis();
    return (millis % 1000 == 0 ? "" + millis / 1000 : "" + millis / 1000.0) + " s";
  }
}
