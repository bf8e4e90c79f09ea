package io.tanuki4j.error;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.NoSuchElementException;
import java.util.Objects;

/** What a failure says to the user. */
public final class FailureSentence {
  private FailureSentence() {}

  /** Returns the sentence for any failure; one that is not trusted asks for a report. */
  public static String of(Throwable failure) {
    boolean ofInput =
        failure instanceof IllegalArgumentException
            || failure instanceof NoSuchElementException // the data are used up
            || failure instanceof UserException;
    if (ofInput && failure.getMessage() != null) {
      return failure.getMessage();
    }
    if (failure instanceof UncheckedIOException wrapped) {
      return io(wrapped);
    }
    if (failure instanceof IOException plain) {
      return io(plain);
    }
    if (failure instanceof OutOfMemoryError) {
      return "out of memory: %s. Make the model or the micro-batch smaller, or raise TANUKI4J_HEAP or TANUKI4J_MEMORY."
          .formatted(failure.getMessage());
    }
    return "a fault of the program: %s. Run again with --debug and report what it prints."
        .formatted(failure);
  }

  /** A message of our own says the reason, or only what failed. */
  private static String io(UncheckedIOException failure) {
    IOException cause = Objects.requireNonNull(failure.getCause());
    String message = String.valueOf(failure.getMessage());
    if (message.equals(cause.toString())) {
      return io(cause);
    }
    return message.endsWith(".") ? message : "%s: %s.".formatted(message, reason(cause));
  }

  private static String io(IOException failure) {
    boolean named = failure instanceof FileSystemException file && file.getFile() != null;
    String text =
        named
            ? ((FileSystemException) failure).getFile() + ": " + reason(failure)
            : reason(failure);
    return text.endsWith(".") ? text : text + ".";
  }

  private static String reason(IOException failure) {
    if (failure instanceof FileSystemException file) {
      return reason(file);
    }
    return failure.getMessage() == null ? failure.toString() : failure.getMessage();
  }

  private static String reason(FileSystemException failure) {
    if (failure instanceof NoSuchFileException) {
      return "no such file or folder";
    }
    if (failure instanceof AccessDeniedException) {
      return "not allowed to read or write it";
    }
    return failure.getReason() == null ? failure.toString() : failure.getReason();
  }
}
