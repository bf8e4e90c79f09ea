package io.tanuki4j.cli;

import java.io.PrintStream;
import java.io.PrintWriter;
import java.util.Arrays;
import picocli.CommandLine;
import picocli.CommandLine.ExitCode;

/**
 * Checks that a command's output could be written; a disk may be full, for example. A run's log is
 * worth less than the run, so there a failure is a warning. For other commands, the output is their
 * purpose.
 */
final class PrintedResult {
  private static final String TRAINING = "pretrain";

  private PrintedResult() {}

  /**
   * Returns the exit code of a command, after checking that its output was written.
   *
   * @param code the exit code otherwise
   * @param out standard output
   * @param words of the command line
   */
  static int exitCode(int code, PrintStream out, CommandLine commandLine, String... words) {
    commandLine.getOut().flush();
    if (!out.checkError()) {
      return code;
    }
    PrintWriter err = commandLine.getErr();
    err.println(
        "%s: %sstandard output: writing failed (expected: room on its disk, or a reader that stays)."
                .formatted(commandLine.getCommandName(), isLog(words) ? "WARNING: " : "")
            + " What was printed is not whole: send it elsewhere.");
    err.flush();
    return code == ExitCode.OK && !isLog(words) ? ExitCode.SOFTWARE : code;
  }

  private static boolean isLog(String... words) {
    return words.length > 0
        && (words[0].equals(TRAINING)
            || (words[0].equals("launch") && Arrays.asList(words).contains(TRAINING)));
  }
}
