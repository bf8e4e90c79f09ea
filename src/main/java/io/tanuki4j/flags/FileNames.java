package io.tanuki4j.flags;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Suggests the file a user may have meant by a path that does not exist. */
final class FileNames {
  private FileNames() {}

  /**
   * Returns a question that names the nearest files of the same folder, or the fallback.
   *
   * @param suffix of the files to offer
   * @param cut whether to offer them without the suffix
   */
  static String question(Path path, String suffix, boolean cut, String fallback) {
    Path folder = path.getParent();
    Path name = path.getFileName();
    if (name == null) {
      return fallback;
    }
    if (folder != null && !Files.isDirectory(folder)) {
      return "There is no folder " + folder + ".";
    }
    List<String> others = new ArrayList<>(names(folder, suffix, cut));
    others.remove(name.toString()); // it is there, but it is no file
    return NearestNames.of(name.toString(), others).stream()
        .map(nearest -> folder == null ? nearest : folder.resolve(nearest).toString())
        .reduce((left, right) -> left + " or " + right)
        .map(names -> "Did you mean " + names + "?")
        .orElse(fallback);
  }

  private static List<String> names(@Nullable Path folder, String suffix, boolean cut) {
    try (Stream<Path> files = Files.list(folder == null ? Path.of("") : folder)) {
      return files
          .map(file -> String.valueOf(file.getFileName()))
          .filter(name -> name.endsWith(suffix))
          .map(name -> cut ? name.substring(0, name.length() - suffix.length()) : name)
          .toList();
    } catch (IOException e) {
      return List.of();
    }
  }
}
