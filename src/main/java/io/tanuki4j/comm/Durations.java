package io.tanuki4j.comm;

import java.time.Duration;

/** Times in messages. */
public final class Durations {
  private Durations() {}

  /** For example {@code 60 s} or {@code 0.2 s}. */
  public static String text(Duration duration) {
    long millis = duration.toMillis();
    return (millis % 1000 == 0 ? "" + millis / 1000 : "" + millis / 1000.0) + " s";
  }
}
