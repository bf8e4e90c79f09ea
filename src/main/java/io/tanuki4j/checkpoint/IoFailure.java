package io.tanuki4j.checkpoint;

import io.tanuki4j.error.FailureSentence;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;

/** Turns disk failures into sentences. The message is the exception's own, not its cause's. */
final class IoFailure {
  private IoFailure() {}

  static UncheckedIOException reading(Path folder, IOException cause) {
    return new UncheckedIOException(
        "%s: reading failed: %s.".formatted(folder, FailureSentence.reason(cause)), cause);
  }

  static UncheckedIOException saving(Path folder, long iteration, IOException cause) {
    return new UncheckedIOException(
        "%s: saving iteration %d failed: %s. Earlier checkpoints are untouched."
            .formatted(folder, iteration, FailureSentence.reason(cause)),
        cause);
  }
}
