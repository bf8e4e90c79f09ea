package io.tanuki4j.data;

import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Files whose sizes are watched while they are mapped. Reading past the end of a mapped file gives
 * zeros at first. The thread's next native call, wherever it is, throws an InternalError; asking
 * for a size is such a call. Thread-safe. Unlike channels, an interrupt does not close the files.
 */
final class OpenFiles implements AutoCloseable {
  private final List<Watched> files = new ArrayList<>();

  private record Watched(Path path, RandomAccessFile file, long size) {}

  /** Opens files and records their current sizes. */
  static OpenFiles of(Path... paths) throws IOException {
    OpenFiles files = new OpenFiles();
    for (Path path : paths) {
      RandomAccessFile file = new RandomAccessFile(path.toFile(), "r");
      files.files.add(new Watched(path, file, file.length()));
    }
    return files;
  }

  /**
   * Checks that every file still has its size.
   *
   * @throws UserException if a file is shorter than it was, or a mapped one could not be read
   */
  void requireWhole() {
    try {
      requireSizes();
    } catch (InternalError e) {
      requireSizes();
      throw unreadable(e);
    }
  }

  private void requireSizes() {
    try {
      for (Watched file : files) {
        if (file.file.length() < file.size) {
          throw cut(file);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static UserException cut(Watched file) throws IOException {
    return new UserException(
        ("%s: %d bytes (expected: %d, as when it was opened): it was cut while it was read."
                + " Restore it, and continue from the last checkpoint.")
            .formatted(file.path, file.file.length(), file.size));
  }

  /** Returns the failure of a mapped file that could not be read. */
  UserException unreadable(InternalError cause) {
    return new UserException(
        ("%s, or the cache of its sample order: a mapped file could not be read (expected: files"
                + " that stay as they are). Check the disk, and continue from the last checkpoint.")
            .formatted(files.get(files.size() - 1).path),
        cause);
  }

  @Override
  public void close() {
    try {
      for (Watched file : files) {
        file.file.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
