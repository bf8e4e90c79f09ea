package io.tanuki4j.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import picocli.CommandLine;

/** Says where to begin after a wrong command line. */
final class Hints {
  private static final Set<String> OF_RUNS =
      Set.of("pretrain", "launch", "plan", "bench", "evaluate");

  private Hints() {}

  /** Prints what helps with these words, if anything does. */
  static void print(CommandLine commandLine, String... words) {
    PrintWriter err = commandLine.getErr();
    if (words.length == 0) {
      commandLine.usage(err);
    } else if (words.length == 1 && OF_RUNS.contains(words[0])) {
      String after = words[0].equals("launch") ? "launch -- pretrain" : words[0];
      err.printf(
          "Begin with a file of flags: tanuki4j %s @configs/tiny-cpu.args. All flags: tanuki4j %s"
              + " --help%n",
          after, words[0].equals("launch") ? "pretrain" : words[0]);
    } else if (!fromElsewhere(words).isEmpty()) {
      err.printf(
          "Paths in %s are relative to the current folder, %s, not to the file's.%n",
          String.join(", ", fromElsewhere(words)), Path.of("").toAbsolutePath());
    }
    err.flush();
  }

  /** Returns the files of flags that are outside the current folder. */
  private static List<String> fromElsewhere(String... words) {
    Path here = Path.of("").toAbsolutePath().normalize();
    return Arrays.stream(words)
        .filter(word -> word.startsWith("@") && !word.startsWith("@@") && word.length() > 1)
        .filter(word -> !Path.of(word.substring(1)).toAbsolutePath().normalize().startsWith(here))
        .toList();
  }
}
