package io.tanuki4j.error;

import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.UnknownHostException;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Turns failures into sentences for the user. */
public final class FailureSentence {
  private FailureSentence() {}

  /**
   * Returns the sentence of a failure. Only {@link UserException}s and failures of input and output
   * speak for themselves; anything else is a fault of the program and asks for a report.
   */
  public static String of(Throwable failure) {
    if (failure instanceof UserException) {
      return String.valueOf(failure.getMessage());
    }
    if (failure instanceof UncheckedIOException wrapped) {
      return io(wrapped);
    }
    if (failure instanceof IOException plain) {
      return closed(reason(plain));
    }
    if (failure instanceof OutOfMemoryError) {
      return "out of memory: %s. Make the model or the micro-batch smaller, or raise TANUKI4J_HEAP or TANUKI4J_MEMORY."
          .formatted(failure.getMessage());
    }
    String ofLibrary = failure instanceof LinkageError ? ofLibrary(failure) : null;
    return ofLibrary != null
        ? ofLibrary
        : "a fault of the program: %s. Run again with --debug and report what it prints."
            .formatted(failure);
  }

  /**
   * Returns the sentence of a failed input or output. Our own message gives the reason, or only
   * what failed.
   */
  private static String io(UncheckedIOException failure) {
    IOException cause = Objects.requireNonNull(failure.getCause());
    String message = String.valueOf(failure.getMessage());
    if (message.equals(cause.toString())) {
      return closed(reason(cause));
    }
    return message.endsWith(".") ? message : "%s: %s.".formatted(message, withoutFile(cause));
  }

  private static String closed(String text) {
    return text.endsWith(".") ? text : text + ".";
  }

  /** Returns why the machine could not load a library; null if our jar is to blame. */
  private static @Nullable String ofLibrary(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof IOException io) {
        return "a library cannot be loaded: " + closed(reason(io));
      }
      if (cause instanceof UnsatisfiedLinkError) {
        return "a library cannot be loaded: %s. See tanuki4j doctor.".formatted(cause.getMessage());
      }
    }
    return null;
  }

  /** Returns why input or output failed, with the file if it is known, without a full stop. */
  public static String reason(IOException failure) {
    return failure instanceof FileSystemException file && file.getFile() != null
        ? file.getFile() + ": " + withoutFile(failure)
        : withoutFile(failure);
  }

  /** Returns why input or output failed, where the sentence names the file, without a full stop. */
  public static String withoutFile(IOException failure) {
    if (failure instanceof FileSystemException file) {
      return ofFileSystem(file);
    }
    if (failure instanceof CharacterCodingException) {
      return "it is not text in UTF-8";
    }
    if (failure instanceof UnknownHostException) {
      return "the host %s is unknown".formatted(failure.getMessage());
    }
    return failure.getMessage() == null ? unspoken(failure) : failure.getMessage();
  }

  private static String unspoken(IOException failure) {
    if (failure instanceof EOFException) {
      return "it ends too early";
    }
    return failure instanceof ClosedChannelException
        ? "it was closed while it was used"
        : "input or output failed";
  }

  private static String ofFileSystem(FileSystemException failure) {
    if (failure instanceof NoSuchFileException) {
      return "no such file or folder";
    }
    if (failure instanceof AccessDeniedException) {
      return "not allowed to read or write it";
    }
    if (failure instanceof FileAlreadyExistsException) {
      return "it exists already";
    }
    if (failure instanceof DirectoryNotEmptyException) {
      return "the folder is not empty";
    }
    if (failure instanceof NotDirectoryException) {
      return "it is no folder";
    }
    return failure.getReason() == null ? "the file system refused it" : failure.getReason();
  }
}
