package io.tanuki4j.run;

import io.tanuki4j.error.Unchecked;
import java.util.ArrayDeque;
import java.util.Deque;

/** Closes what was opened, last first, whatever fails in between. */
public final class Closer implements AutoCloseable {
  private final Deque<AutoCloseable> opened = new ArrayDeque<>();

  public <T extends AutoCloseable> T add(T resource) {
    opened.push(resource);
    return resource;
  }

  /**
   * Closes everything.
   *
   * @throws RuntimeException the first failure; later ones are suppressed in it
   */
  @Override
  public void close() {
    RuntimeException failure = null;
    while (!opened.isEmpty()) {
      AutoCloseable resource = opened.pop();
      try {
        resource.close();
      } catch (Exception e) {
        if (failure == null) {
          failure = Unchecked.of("closing failed", e);
        } else {
          failure.addSuppressed(e);
        }
      }
    }
    if (failure != null) {
      throw failure;
    }
  }
}
