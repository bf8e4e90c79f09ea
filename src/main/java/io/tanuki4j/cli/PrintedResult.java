package io.tanuki4j.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.ExitCode;

/**
 * Checks that a command's output could be written; a disk may be full, for example. A run's log is
 * worth less than the run, so there a failure is a warning. For other commands, the output is their
 * purpose. The reader of a pipe may leave when it has read enough, as {@code head} does, and then
 * nothing is said; of a run, {@link io.tanuki4j.metrics.ConsoleLog} has said it.
 */
final class PrintedResult {
  static final Path STANDARD_OUTPUT = Path.of("/dev/stdout");

  private static final String TRAINING = "pretrain";
  private static final int FILE_TYPE = 0170000;
  private static final List<Integer> PIPE_OR_SOCKET = List.of(0010000, 0140000);

  private PrintedResult() {}

  /**
   * Returns the exit code of a command, after checking that its output was written.
   *
   * @param code the exit code otherwise
   * @param out standard output
   * @param file that it goes to
   * @param words of the command line
   */
  static int exitCode(
      int code, PrintStream out, Path file, CommandLine commandLine, String... words) {
    commandLine.getOut().flush();
    if (!out.checkError() || (hadReader(file) && !isLaunchedRun(words))) {
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

  /** Returns whether a file is a pipe or socket, so that only its reader can have failed. */
  private static boolean hadReader(Path file) {
    try {
      return PIPE_OR_SOCKET.contains((int) Files.getAttribute(file, "unix:mode") & FILE_TYPE);
    } catch (IOException | UnsupportedOperationException e) {
      return false; // closed, or no such names on this system
    }
  }

  private static boolean isLog(String... words) {
    return (words.length > 0 && words[0].equals(TRAINING)) || isLaunchedRun(words);
  }

  /** Returns whether the log is that of other processes, which know nothing of its reader. */
  private static boolean isLaunchedRun(String... words) {
    return words.length > 0
        && words[0].equals("launch")
        && Arrays.asList(words).contains(TRAINING)
        && !Arrays.asList(words).contains("--help");
  }
}
