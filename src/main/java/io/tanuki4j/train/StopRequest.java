package io.tanuki4j.train;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A wish from outside, such as a signal, that a run finish its iteration, save and exit. */
public final class StopRequest {
  private volatile @Nullable String signal;

  /**
   * Requests a stop. Safe to call from any thread.
   *
   * @param name of the signal, for the log: {@code SIGTERM}
   */
  public void request(String name) {
    signal = name;
  }

  /** Returns the name of the last signal; empty before the first. */
  public Optional<String> signal() {
    return Optional.ofNullable(signal);
  }
}
