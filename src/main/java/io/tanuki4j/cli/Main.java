package io.tanuki4j.cli;

import io.tanuki4j.config.ConfigException;
import io.tanuki4j.config.Problems;
import io.tanuki4j.convert.SaveExports;
import io.tanuki4j.error.FailureSentence;
import io.tanuki4j.flags.LargestNumbers;
import io.tanuki4j.flags.PythonNumbers;
import io.tanuki4j.run.Checkpoints;
import io.tanuki4j.run.MemoryShare;
import io.tanuki4j.run.launcher.LauncherWatch;
import io.tanuki4j.run.launcher.StandardError;
import java.util.List;
import java.util.Locale;
import picocli.AutoComplete.GenerateCompletion;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExecutionException;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.RunLast;
import picocli.CommandLine.ScopeType;

/**
 * The program {@code tanuki4j}: finds the command, and turns failures into messages and exit codes.
 */
@Command(
    name = "tanuki4j",
    description = "Pretrains Llama models, with Megatron-LM's flags.",
    synopsisSubcommandLabel = "COMMAND",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    scope = ScopeType.INHERIT)
public final class Main {
  private static final String DEBUG = "--debug";

  @Option(
      names = DEBUG,
      scope = ScopeType.INHERIT,
      description = "Shows the stack trace of a failure.")
  boolean debug;

  Main() {}

  public static void main(String[] words) {
    StandardError.restore();
    Locale.setDefault(Locale.ROOT); // numbers in logs and files look the same everywhere
    TextEncoding.writeUtf8();
    Thread.setDefaultUncaughtExceptionHandler((thread, failure) -> endAfter(thread, failure));
    MemoryShare.take(System.getenv());
    if (LauncherWatch.isLaunched(System.getenv())) {
      LauncherWatch.start();
    }
    CommandLine commandLine = TextEncoding.writingUtf8(commandLine());
    int code = run(commandLine, words);
    System.exit(
        PrintedResult.exitCode(
            code, System.out, PrintedResult.STANDARD_OUTPUT, commandLine, words));
  }

  /** Ends the process: anything waiting for this thread's work would wait forever. */
  private static void endAfter(Thread thread, Throwable failure) {
    String sentence = "the program cannot be loaded. Allow it more open files (ulimit -n).";
    try {
      sentence = FailureSentence.of(failure);
    } catch (LinkageError e) {
      // then this is the reason
    }
    System.err.println("tanuki4j: %s: %s".formatted(thread.getName(), sentence));
    Runtime.getRuntime().halt(CommandLine.ExitCode.SOFTWARE);
  }

  /**
   * Returns the exit code: 0 done, 1 failed, 2 wrong usage, 3 another rank failed or did not join.
   * A reader that leaves, as in {@code tanuki4j inspect run | head}, does not change it.
   */
  public static int run(CommandLine commandLine, String... words) {
    try {
      Caches.move(System.getenv());
      List<String> expanded = ArgumentFiles.expand(List.of(words));
      TextEncoding.requireReadable(expanded);
      int code = commandLine.execute(expanded.toArray(String[]::new));
      if (code == CommandLine.ExitCode.USAGE) {
        Hints.print(commandLine, words);
      }
      return code;
    } catch (Throwable e) {
      return Failures.failed(commandLine, e, List.of(words).contains(DEBUG));
    }
  }

  /** Runs a command, unless one of its numbers is implausibly large. */
  private static int execute(ParseResult words) {
    for (ParseResult each = words; each != null; each = each.subcommand()) {
      try {
        LargestNumbers.require(each.commandSpec().options(), new Problems());
      } catch (ConfigException e) {
        throw new ExecutionException(each.commandSpec().commandLine(), "a number", e);
      }
    }
    return new RunLast().execute(words);
  }

  public static CommandLine commandLine() {
    Main main = new Main();
    CommandLine commandLine = new CommandLine(main);
    commandLine
        .addSubcommand(
            new CommandLine( // model transformers act on whole command lines only
                new PretrainCommand(
                    Checkpoints::arguments, run -> SaveExports.pretrain(run, System.out))))
        .addSubcommand(new CommandLine(new LaunchCommand()).setStopAtPositional(true))
        .addSubcommand(new CommandLine(new PlanCommand()))
        .addSubcommand(new CommandLine(new BenchCommand()))
        .addSubcommand(new PreprocessCommand())
        .addSubcommand(new ConvertCommand())
        .addSubcommand(new CommandLine(new EvaluateCommand()))
        .addSubcommand(new GenerateCommand())
        .addSubcommand(new InspectCommand())
        .addSubcommand(new ReportCommand())
        .addSubcommand(new DoctorCommand())
        .addSubcommand(hidden(new GenerateCompletion()));
    commandLine
        .setExpandAtFiles(false) // ArgumentFiles does
        .setOverwrittenOptionsAllowed(true)
        .setUnmatchedOptionsAllowedAsOptionParameters(false)
        .setPosixClusteredShortOptionsAllowed(false)
        .registerConverter(Integer.class, PythonNumbers::parseInt)
        .registerConverter(int.class, PythonNumbers::parseInt)
        .registerConverter(Long.class, PythonNumbers::parseLong)
        .registerConverter(long.class, PythonNumbers::parseLong)
        .registerConverter(Double.class, PythonNumbers::parseDouble)
        .registerConverter(double.class, PythonNumbers::parseDouble)
        .setExecutionStrategy(Main::execute)
        .setParameterExceptionHandler(Failures::wrongParameters)
        .setExecutionExceptionHandler(
            (failure, command, words) -> Failures.failed(command, failure, main.debug));
    return commandLine;
  }

  /** Returns a command that the help leaves out. */
  private static CommandLine hidden(Object command) {
    CommandLine hidden = new CommandLine(command);
    hidden.getCommandSpec().usageMessage().hidden(true);
    return hidden;
  }
}
