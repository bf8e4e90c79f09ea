package io.tanuki4j.cli;

import io.tanuki4j.config.ConfigException;
import io.tanuki4j.error.FailureSentence;
import io.tanuki4j.flags.NearestNames;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Replaces {@code @file} with the words of the file. Spaces and line ends separate words, and
 * quotes keep them together. # begins a comment where a word could begin. {@code @@word} stands for
 * the word {@code @word}.
 */
final class ArgumentFiles {
  private static final int MAX_DEPTH = 8;

  /** Does not backtrack, so that no word is too long. */
  private static final Pattern WORD =
      Pattern.compile("\\s++|(#.*+)|((?:[^\\s\"']++|\"[^\"]*+\"|'[^']*+')++)|(.)");

  private static final Pattern QUOTED = Pattern.compile("\"([^\"]*)\"|'([^']*)'");

  private ArgumentFiles() {}

  /**
   * Returns the words with all files expanded.
   *
   * @throws ConfigException if a file cannot be read
   */
  static List<String> expand(List<String> words) {
    return expand(words, 0);
  }

  private static List<String> expand(List<String> words, int depth) {
    List<String> expanded = new ArrayList<>();
    for (String word : words) {
      if (word.startsWith("@@")) {
        expanded.add(word.substring(1));
      } else if (word.startsWith("@") && word.length() > 1) {
        if (depth == MAX_DEPTH) {
          throw new ConfigException(
              word
                  + ": argument file in an argument file, "
                  + depth
                  + " deep. Does it name itself?");
        }
        expanded.addAll(expand(read(word), depth + 1));
      } else {
        expanded.add(word);
      }
    }
    return expanded;
  }

  private static List<String> read(String word) {
    Path file = Path.of(word.substring(1));
    if (!Files.isRegularFile(file)) {
      throw new ConfigException(
          "%s: no such file (expected: a file of flags after @). %s".formatted(word, remedy(file)));
    }
    try {
      return words(word, Files.readString(file));
    } catch (IOException e) {
      throw new ConfigException(
          "%s: cannot be read as text in UTF-8 (%s). Check the file."
              .formatted(word, FailureSentence.reason(e)));
    }
  }

  private static String remedy(Path file) {
    Path folder = file.toAbsolutePath().getParent();
    Path name = file.getFileName();
    if (folder == null || name == null || !Files.isDirectory(folder)) {
      return "Check the path, from the folder you are in.";
    }
    try (Stream<Path> files = Files.list(folder)) {
      List<String> names =
          files.map(other -> "@" + file.resolveSibling(other.getFileName())).toList();
      return NearestNames.question(
          "@" + file, names, "Check the path, from the folder you are in.");
    } catch (IOException e) {
      return "The folder cannot be listed: " + FailureSentence.reason(e) + ".";
    }
  }

  private static List<String> words(String file, String text) {
    int nul = text.indexOf('\0');
    if (nul >= 0) {
      throw new ConfigException(
          "%s: a NUL character in line %d (expected: text). Check the file."
              .formatted(file, line(text, nul)));
    }
    List<String> words = new ArrayList<>();
    Matcher matcher = WORD.matcher(text);
    while (matcher.find()) {
      if (matcher.group(3) != null) {
        throw new ConfigException(
            "%s: a quotation mark that does not close, in line %d. Close it."
                .formatted(file, line(text, matcher.start())));
      }
      if (matcher.group(2) != null) {
        words.add(QUOTED.matcher(matcher.group(2)).replaceAll(ArgumentFiles::inside));
      }
    }
    return words;
  }

  private static long line(String text, int end) {
    return 1 + text.substring(0, end).chars().filter(c -> c == '\n').count();
  }

  private static String inside(MatchResult quoted) {
    String inner = quoted.group(1) == null ? quoted.group(2) : quoted.group(1);
    return Matcher.quoteReplacement(inner);
  }
}
