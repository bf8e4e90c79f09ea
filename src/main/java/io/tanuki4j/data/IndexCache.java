package io.tanuki4j.data;

import io.tanuki4j.error.FailureSentence;
import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * The files of one sample order. Folder, names and formats are Megatron's, so that either program
 * finds the other's files: {@code <md5 of the description>-<class>-<split>-<what>}. Our files come
 * with a checksum file. The content of Megatron's files is checked when a sample is looked up.
 */
final class IndexCache {
  private static final String DESCRIPTION = "description.txt";
  private static final String CHECKSUMS = "checksums.txt";

  private final Path dir;
  private final String base;
  private final String description;
  private final CacheWork work;
  private final Checksums checksums = new Checksums();
  private final Queue<Path> arrays = new ConcurrentLinkedQueue<>();
  private boolean filled;

  /**
   * Names the files.
   *
   * @param datasetClass Megatron's class name
   * @param description JSON of all that the order depends on
   * @param work brings the files to the disk
   */
  IndexCache(Path dir, String datasetClass, Split split, String description, CacheWork work) {
    this.dir = dir;
    this.base = "%s-%s-%s-".formatted(md5(description), datasetClass, split.label());
    this.description = description;
    this.work = work;
  }

  /** Returns the path of one file, for example of {@code document_index.npy}. */
  Path file(String name) {
    return dir.resolve(base + name);
  }

  /** Returns whether the description and all of these files exist. */
  boolean holds(String... names) {
    return Files.isRegularFile(file(DESCRIPTION))
        && Arrays.stream(names).allMatch(name -> Files.isRegularFile(file(name)));
  }

  /**
   * Maps one file. Its bytes are checked, unless this object has written them.
   *
   * @throws UserException if it is damaged or does not have these rows and columns
   */
  NpyArray read(String name, Set<NpyType> types, int columns, long rows) {
    NpyArray array = NpyArray.read(file(name), types, columns);
    if (array.rows() != rows) {
      throw NpyArray.damaged(
          file(name),
          "%d rows (expected: %d for the data as they are now)".formatted(array.rows(), rows));
    }
    try {
      if (!filled) {
        Checksums.require(file(CHECKSUMS), file(name));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file(name), e);
    }
    return array;
  }

  /**
   * Writes the description after the arrays, which a task writes through {@link #writer}. A machine
   * that fails before they have reached the disk can leave a file that its checksum does not fit.
   */
  void fill(Concurrent.Task filling) {
    try {
      Files.createDirectories(dir);
      filling.run();
      write(CHECKSUMS, checksums.text());
      write(DESCRIPTION, description);
      arrays.forEach(work::wrote);
      filled = true;
    } catch (IOException e) {
      throw new UserException(
          ("%s: the sample order cannot be written there (%s). Give a writable folder"
                  + " with room by --data-cache-path.")
              .formatted(dir, FailureSentence.withoutFile(e)),
          e);
    }
  }

  /** Opens a writer for one file. Thread-safe. */
  NpyWriter writer(String name, NpyType type, String shape) throws IOException {
    arrays.add(file(name));
    return new NpyWriter(file(name), type, shape, checksums);
  }

  private void write(String name, String text) throws IOException {
    Path temporary = NpyWriter.temporary(file(name));
    Files.writeString(temporary, text);
    Files.move(temporary, file(name), StandardCopyOption.ATOMIC_MOVE);
    work.wrote(file(name));
  }

  private static String md5(String text) {
    try {
      byte[] digest =
          MessageDigest.getInstance("MD5").digest(text.getBytes(StandardCharsets.UTF_8));
      return "%032x".formatted(new BigInteger(1, digest));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has MD5", e);
    }
  }
}
