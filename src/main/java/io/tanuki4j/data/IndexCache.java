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
import java.util.Set;

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
  private final Checksums checksums = new Checksums();

  /**
   * Names the files.
   *
   * @param datasetClass Megatron's class name
   * @param description JSON of all that the order depends on
   */
  IndexCache(Path dir, String datasetClass, Split split, String description) {
    this.dir = dir;
    this.base = "%s-%s-%s-".formatted(md5(description), datasetClass, split.label());
    this.description = description;
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
   * Maps one file.
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
      Checksums.require(file(CHECKSUMS), file(name));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file(name), e);
    }
    return array;
  }

  /** Writes the arrays and the description. */
  void fill(Filling filling) {
    try {
      Files.createDirectories(dir);
      filling.write();
      write(CHECKSUMS, checksums.text());
      write(DESCRIPTION, description);
    } catch (IOException e) {
      throw new UserException(
          ("%s: the sample order cannot be written there (%s). Give a writable folder"
                  + " with room by --data-cache-path.")
              .formatted(dir, FailureSentence.withoutFile(e)),
          e);
    }
  }

  /** Opens a writer for one file. */
  NpyWriter writer(String name, NpyType type, String shape) throws IOException {
    return new NpyWriter(file(name), type, shape, checksums);
  }

  private void write(String name, String text) throws IOException {
    Path temporary = NpyWriter.temporary(file(name));
    Files.writeString(temporary, text);
    Files.move(temporary, file(name), StandardCopyOption.ATOMIC_MOVE);
  }

  /** Writes arrays through {@link #writer}. */
  @FunctionalInterface
  interface Filling {
    void write() throws IOException;
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
