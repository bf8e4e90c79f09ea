package io.tanuki4j.flags;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Stack;
import picocli.CommandLine.IModelTransformer;
import picocli.CommandLine.IParameterPreprocessor;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;

/**
 * Makes a command with {@link PretrainOptions} take Megatron's whole command line: adds the flags
 * that configure nothing (unless the command has one of that name), groups the help, and keeps the
 * words for {@link Argparse}, whose rules differ from picocli's.
 */
public final class MegatronFlags implements IModelTransformer {
  @Override
  public CommandSpec transform(CommandSpec command) {
    UnsupportedFlags.all().stream()
        .filter(flag -> !command.optionsMap().containsKey(flag.name()))
        .forEach(flag -> command.addOption(flag.toOption()));
    command.preprocessor(new WordTaker());
    PretrainHelp.install(command);
    return command;
  }

  private static final class WordTaker implements IParameterPreprocessor {
    @Override
    @SuppressWarnings("JdkObsolete") // picocli's signature
    public boolean preprocess(
        Stack<String> stack, CommandSpec command, ArgSpec arg, Map<String, Object> info) {
      List<String> words = new ArrayList<>(stack);
      Collections.reverse(words);
      stack.clear();
      if (words.contains("--help") || words.contains("-h")) {
        stack.push("--help");
      } else {
        options(command).take(words);
      }
      return false;
    }

    private static PretrainOptions options(CommandSpec command) {
      return command.mixins().values().stream()
          .map(CommandSpec::userObject)
          .filter(PretrainOptions.class::isInstance)
          .map(PretrainOptions.class::cast)
          .findFirst()
          .orElseThrow(() -> new IllegalStateException(command.name() + " lacks PretrainOptions"));
    }
  }
}
