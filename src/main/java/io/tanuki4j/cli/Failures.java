package io.tanuki4j.cli;

import io.tanuki4j.comm.CommunicationException;
import io.tanuki4j.config.ConfigException;
import io.tanuki4j.error.FailureSentence;
import io.tanuki4j.flags.NearestNames;
import io.tanuki4j.flags.OptionTypes;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Determines what the user reads when something goes wrong, and the exit code. */
public final class Failures {
  /** Exit code of a rank that ended because another rank failed or did not join. */
  public static final int OTHER_RANK_FAILED = CommunicationException.EXIT_CODE;

  private Failures() {}

  /** Reports wrong flags of commands whose flags picocli reads. */
  static int wrongParameters(ParameterException failure, String[] words) {
    CommandLine command = failure.getCommandLine();
    if (failure instanceof MissingParameterException missing && !missing.getMissing().isEmpty()) {
      return usage(
          command,
          missing.getMissing().stream().map(Failures::missing).collect(Collectors.joining("\n")));
    }
    if (failure instanceof UnmatchedArgumentException unmatched
        && !unmatched.getUnmatched().isEmpty()) {
      String name = unmatched.getUnmatched().get(0);
      return usage(command, name + ": " + unknown(command, name));
    }
    if (failure.getArgSpec() instanceof OptionSpec option && failure.getValue() != null) {
      return usage(command, wrongValue(option, failure.getValue()));
    }
    if (!command.getSubcommands().isEmpty()) {
      String commands = String.join(", ", command.getSubcommands().keySet());
      return usage(command, "no command (expected: one of %s). See --help.".formatted(commands));
    }
    return usage(command, failure.getMessage() + ".");
  }

  private static String missing(ArgSpec argument) {
    String name = argument instanceof OptionSpec option ? option.longestName() : "an argument";
    return "%s: not given (expected: %s). Add it.".formatted(name, argument.paramLabel());
  }

  private static String wrongValue(OptionSpec option, String value) {
    return "%s: %s (expected: %s). %s"
        .formatted(
            option.longestName(),
            value.isEmpty() ? "an empty value" : value,
            OptionTypes.expected(option.type()),
            OptionTypes.remedy(option.type(), value));
  }

  private static String unknown(CommandLine command, String name) {
    boolean isCommand = !name.startsWith("-") && !command.getSubcommands().isEmpty();
    List<String> known = new ArrayList<>(command.getSubcommands().keySet());
    if (!isCommand) {
      known = new ArrayList<>(command.getCommandSpec().optionsMap().keySet());
    }
    return "unknown (expected: a %s of %s). %s"
        .formatted(
            isCommand ? "command" : "flag",
            command.getCommandSpec().qualifiedName(),
            NearestNames.question(name, known, "See --help."));
  }

  /** Reports any failure of a command. */
  static int failed(CommandLine command, Throwable failure, boolean debug) {
    if (debug) {
      failure.printStackTrace(command.getErr());
    }
    if (failure instanceof ConfigException) {
      return usage(command, String.valueOf(failure.getMessage()));
    }
    print(command, FailureSentence.of(failure));
    return failure instanceof CommunicationException ? OTHER_RANK_FAILED : ExitCode.SOFTWARE;
  }

  /** Reports wrong flags with one line for each problem. */
  static int usage(CommandLine command, String problems) {
    List<String> lines = problems.lines().toList();
    if (lines.size() == 1) {
      print(command, problems);
    } else {
      String list = lines.stream().map(line -> "  " + line).collect(Collectors.joining("\n"));
      print(command, lines.size() + " problems\n" + list);
    }
    return ExitCode.USAGE;
  }

  private static void print(CommandLine command, String text) {
    PrintWriter err = command.getErr();
    err.println(command.getCommandSpec().qualifiedName() + ": " + text);
    err.flush();
  }
}
