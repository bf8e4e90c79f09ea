package io.tanuki4j.cli;

import io.tanuki4j.backend.cuda.CudaOptions;
import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The folders in which libraries and this program keep what they would otherwise unpack or compile
 * at each start. They lie in the user's home, which on clusters is often small.
 */
final class Caches {
  private static final String VARIABLE = CudaOptions.CACHE_VARIABLE;
  private static final String JAVACPP = "org.bytedeco.javacpp.cachedir";
  private static final String DJL = "DJL_CACHE_DIR";

  private Caches() {}

  /**
   * Moves all of them into the folder that the environment names, if it names one. A library that
   * was given a folder of its own keeps it.
   *
   * @throws UserException if the folder cannot be used
   */
  static void move(Map<String, String> environment) {
    String folder = environment.get(VARIABLE);
    if (folder == null) {
      return;
    }
    requireWritable(folder);
    setIfMissing(JAVACPP, Path.of(folder, "javacpp"));
    if (!environment.containsKey(DJL)) {
      setIfMissing(DJL, Path.of(folder, "djl"));
    }
  }

  private static void requireWritable(String folder) {
    try {
      Path path = Files.createDirectories(Path.of(folder).toAbsolutePath());
      if (!folder.isBlank() && Files.isWritable(path)) {
        return;
      }
    } catch (IOException e) {
      // told below
    }
    throw new UserException(
        "%s: %s (expected: a folder that this user can write). Create it, or leave the variable out."
            .formatted(VARIABLE, folder.isBlank() ? "empty" : folder));
  }

  private static void setIfMissing(String property, Path folder) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, folder.toAbsolutePath().toString());
    }
  }

  /** Returns what is kept, and where. */
  static Map<String, Path> folders(Map<String, String> environment) {
    Path home = Path.of(System.getProperty("user.home"));
    Map<String, Path> folders = new LinkedHashMap<>();
    folders.put("libraries unpacked by JavaCPP", property(JAVACPP, home.resolve(".javacpp/cache")));
    String djl = environment.get(DJL);
    folders.put(
        "libraries unpacked by DJL",
        djl == null ? property(DJL, home.resolve(".djl.ai")) : Path.of(djl));
    folders.put("compiled kernels", CudaOptions.defaults(environment).cacheFolder());
    return folders;
  }

  private static Path property(String name, Path otherwise) {
    String value = System.getProperty(name);
    return value == null ? otherwise : Path.of(value);
  }

  /** Returns the bytes of all files of a folder; 0 if there is none. */
  static long bytes(Path folder) {
    if (!Files.isDirectory(folder)) {
      return 0;
    }
    try (Stream<Path> files = Files.walk(folder)) {
      return files
          .filter(file -> Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS))
          .mapToLong(file -> file.toFile().length())
          .sum();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + folder, e);
    }
  }
}
