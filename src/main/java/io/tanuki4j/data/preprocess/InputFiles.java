package io.tanuki4j.data.preprocess;

import static java.util.Objects.requireNonNull;

import io.tanuki4j.error.FailureSentence;
import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.List;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** Names and opens files of JSON lines. */
public final class InputFiles {
  private static final String PATTERN_CHARS = "*?[{";

  private InputFiles() {}

  /**
   * Returns the file of that name, or the files that match a pattern, sorted by name: {@code *} and
   * {@code ?} within a name, {@code **} across folders, {@code [abc]}, {@code {a,b}}; no hidden
   * files.
   *
   * @throws UserException if there is none
   */
  public static List<Path> find(String nameOrPattern) {
    Path path = Path.of(nameOrPattern);
    List<Path> found = Files.isRegularFile(path) ? List.of(path) : matches(path);
    if (found.isEmpty()) {
      throw new UserException(
          "--input: %s (expected: a file, or a pattern that matches files). Check the path."
              .formatted(nameOrPattern));
    }
    return found;
  }

  private static List<Path> matches(Path pattern) {
    int plainNames = plainNames(pattern);
    Path folder = folder(pattern, plainNames);
    if (plainNames == pattern.getNameCount() || !Files.isDirectory(folder)) {
      return List.of();
    }
    int depth =
        pattern.toString().contains("**") ? Integer.MAX_VALUE : pattern.getNameCount() - plainNames;
    try (Stream<Path> files = Files.walk(folder, depth, FileVisitOption.FOLLOW_LINKS)) {
      PathMatcher matcher = pattern.getFileSystem().getPathMatcher("glob:" + pattern);
      return files
          .filter(matcher::matches)
          .filter(file -> isVisible(file, plainNames) && Files.isRegularFile(file))
          .sorted()
          .toList();
    } catch (PatternSyntaxException e) {
      throw unsearchable(pattern, e.getDescription(), e);
    } catch (IOException e) {
      throw unsearchable(pattern, FailureSentence.reason(e), e);
    } catch (UncheckedIOException e) {
      throw unsearchable(pattern, FailureSentence.reason(requireNonNull(e.getCause())), e);
    }
  }

  private static UserException unsearchable(Path pattern, String reason, Exception cause) {
    return new UserException(
        "--input: %s cannot be searched for (%s). Check the pattern.".formatted(pattern, reason),
        cause);
  }

  /** Returns how many names the path has before the first pattern. */
  private static int plainNames(Path path) {
    int count = 0;
    while (count < path.getNameCount()
        && path.getName(count).toString().chars().noneMatch(c -> PATTERN_CHARS.indexOf(c) >= 0)) {
      count++;
    }
    return count;
  }

  private static Path folder(Path pattern, int numNames) {
    Path root = pattern.isAbsolute() ? pattern.getRoot() : Path.of("");
    return numNames == 0 ? root : root.resolve(pattern.subpath(0, numNames));
  }

  private static boolean isVisible(Path file, int plainNames) {
    return StreamSupport.stream(file.spliterator(), false)
        .skip(plainNames)
        .noneMatch(name -> name.toString().startsWith("."));
  }

  /**
   * Returns the text of a file; .gz and .zst are unpacked.
   *
   * @throws IOException if they are damaged
   * @throws io.tanuki4j.error.UserException if it is a known kind of file that is not text
   */
  static InputStream unpack(Path file, InputStream bytes) throws IOException {
    String name = file.toString();
    if (name.endsWith(".gz")) {
      return ForeignFile.refused(file, new GzipMembers(bytes));
    }
    return ForeignFile.refused(file, name.endsWith(".zst") ? new ZstdFrames(bytes) : bytes);
  }
}
