package io.tanuki4j.launch;

import io.tanuki4j.comm.CommunicationException;
import io.tanuki4j.config.ConfigException;
import io.tanuki4j.error.UserException;
import io.tanuki4j.launch.options.NearestNames;
import io.tanuki4j.launch.options.OptionTypes;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** What the user reads when something went wrong, and the exit code. */
final class Failures {
  /** Exit code of a rank that ended because another did, or did not come. */
  static final int OTHER_RANK_FAILED = 3;

  private Failures() {}

  /** Of commands whose flags picocli reads. */
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

  /** Any failure of a command that runs. */
  static int failed(CommandLine command, Exception failure, boolean debug) {
    if (debug) {
      failure.printStackTrace(command.getErr());
    }
    if (failure instanceof ConfigException) {
      return usage(command, String.valueOf(failure.getMessage()));
    }
    print(command, sentence(failure));
    return failure instanceof CommunicationException ? OTHER_RANK_FAILED : ExitCode.SOFTWARE;
  }

  /** What a failure says to the user. */
  static String sentence(Throwable failure) {
    boolean ofInput =
        failure instanceof IllegalArgumentException
            || failure instanceof NoSuchElementException // the data are used up
            || failure instanceof UserException;
    if (ofInput && failure.getMessage() != null) {
      return failure.getMessage();
    }
    if (failure instanceof UncheckedIOException wrapped) {
      return io(wrapped);
    }
    if (failure instanceof IOException plain) {
      return io(plain);
    }
    return "a fault of the program: %s. Run again with --debug and report what it prints."
        .formatted(failure);
  }

  /** A message of our own says the reason, or only what failed. */
  private static String io(UncheckedIOException failure) {
    IOException cause = Objects.requireNonNull(failure.getCause());
    String message = String.valueOf(failure.getMessage());
    if (message.equals(cause.toString())) {
      return io(cause);
    }
    return message.endsWith(".") ? message : "%s: %s.".formatted(message, reason(cause));
  }

  private static String io(IOException failure) {
    boolean named = failure instanceof FileSystemException file && file.getFile() != null;
    String text =
        named
            ? ((FileSystemException) failure).getFile() + ": " + reason(failure)
            : reason(failure);
    return text.endsWith(".") ? text : text + ".";
  }

  private static String reason(IOException failure) {
    if (failure instanceof FileSystemException file) {
      return reason(file);
    }
    return failure.getMessage() == null ? failure.toString() : failure.getMessage();
  }

  private static String reason(FileSystemException failure) {
    if (failure instanceof NoSuchFileException) {
      return "no such file or folder";
    }
    if (failure instanceof AccessDeniedException) {
      return "not allowed to read or write it";
    }
    return failure.getReason() == null ? failure.toString() : failure.getReason();
  }

  /** Wrong flags: one line for each problem. */
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

  static int outOfMemory(CommandLine command, OutOfMemoryError failure) {
    print(
        command,
        "out of memory: %s. Make the model or the micro-batch smaller, or raise TANUKI4J_HEAP or TANUKI4J_MEMORY."
            .formatted(failure.getMessage()));
    return ExitCode.SOFTWARE;
  }

  private static void print(CommandLine command, String text) {
    PrintWriter err = command.getErr();
    err.println(command.getCommandSpec().qualifiedName() + ": " + text);
    err.flush();
  }
}
