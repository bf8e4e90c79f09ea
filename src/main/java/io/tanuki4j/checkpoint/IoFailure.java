package io.tanuki4j.checkpoint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Failures of the disk as sentences; the message is the exception's own, not its cause's. */
final class IoFailure {
  private IoFailure() {}

  static UncheckedIOException reading(Path folder, IOException cause) {
    return new UncheckedIOException(
        "%s: reading failed: %s.".formatted(folder, reason(cause)), cause);
  }

  static UncheckedIOException saving(Path folder, long iteration, IOException cause) {
    return new UncheckedIOException(
        "%s: saving iteration %d failed: %s. Earlier checkpoints are untouched."
            .formatted(folder, iteration, reason(cause)),
        cause);
  }

  /** The file and what is wrong with it, without a full stop. */
  static String reason(IOException cause) {
    if (cause instanceof FileSystemException file) {
      return file.getFile() + ": " + reason(file);
    }
    return cause.getMessage() == null ? cause.toString() : cause.getMessage();
  }

  private static String reason(FileSystemException cause) {
    if (cause instanceof AccessDeniedException) {
      return "access is denied";
    }
    if (cause instanceof NoSuchFileException) {
      return "there is no such file";
    }
    return cause.getReason() == null ? cause.toString() : cause.getReason();
  }
}
