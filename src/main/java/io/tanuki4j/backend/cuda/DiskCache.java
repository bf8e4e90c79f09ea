package io.tanuki4j.backend.cuda;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;

/**
 * Results that take long to compute, kept between starts. Each is a file named by a digest of all
 * it depends on. A file appears whole, by rename, so several processes may share a folder.
 */
final class DiskCache {
  private static final int NAME_DIGITS = 32;

  private final Path folder;

  DiskCache(Path folder) {
    this.folder = folder;
  }

  /**
   * @param kind the beginning of the file's name
   * @param key everything that the contents depend on
   */
  Optional<byte[]> find(String kind, String key) {
    Path file = file(kind, key);
    try {
      return Files.exists(file) ? Optional.of(Files.readAllBytes(file)) : Optional.empty();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  void put(String kind, String key, byte[] contents) {
    Path file = file(kind, key);
    try {
      Files.createDirectories(folder);
      Path partial = Files.createTempFile(folder, kind, ".part");
      Files.write(partial, contents);
      Files.move(
          partial, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + file, e);
    }
  }

  private Path file(String kind, String key) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
      String name = HexFormat.of().formatHex(digest).substring(0, NAME_DIGITS);
      return folder.resolve(kind + "-" + name);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
