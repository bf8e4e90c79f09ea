package io.tanuki4j.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.tanuki4j.config.ConfigException;
import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.util.List;
import picocli.CommandLine;

/**
 * The encoding of words, paths and output. Java decodes the command line and paths by the locale
 * before this program runs. In the locale C it loses everything that is not ASCII.
 */
final class TextEncoding {
  private TextEncoding() {}

  /** Lets the process write UTF-8, whatever the locale. */
  static void writeUtf8() {
    System.setOut(stream(FileDescriptor.out));
    System.setErr(stream(FileDescriptor.err));
  }

  /** Lets a command line write UTF-8, whatever the locale. */
  static CommandLine writingUtf8(CommandLine commandLine) {
    return commandLine
        .setOut(new PrintWriter(System.out, true, UTF_8))
        .setErr(new PrintWriter(System.err, true, UTF_8));
  }

  private static PrintStream stream(FileDescriptor descriptor) {
    return new PrintStream(new BufferedOutputStream(new FileOutputStream(descriptor)), true, UTF_8);
  }

  /**
   * Rejects words that the locale has damaged.
   *
   * @throws ConfigException if a word is not ASCII and was decoded by a locale that is not UTF-8
   */
  static void requireReadable(List<String> words) {
    requireReadable(words, System.getProperty("sun.jnu.encoding", "UTF-8"));
  }

  static void requireReadable(List<String> words, String encoding) {
    for (String word : words) {
      if (!encoding.equalsIgnoreCase("UTF-8") && word.chars().anyMatch(c -> c > 127)) {
        throw new ConfigException(
            "LC_ALL: a locale with %s (expected: one with UTF-8, to read '%s'). Set LC_ALL=C.UTF-8, as scripts/tanuki4j does."
                .formatted(encoding, word));
      }
    }
  }
}
