package io.tanuki4j.flags;

import static picocli.CommandLine.Model.UsageMessageSpec.SECTION_KEY_OPTION_LIST;

import io.tanuki4j.config.PythonText;
import java.lang.reflect.Field;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Help;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.UsageMessageSpec;

/** The help of a command with {@link PretrainOptions}: flags by concern, each with its default. */
final class PretrainHelp {
  private static final int WIDTH = 110;
  private static final int TEXT_COLUMN = 46;
  private static final int INDENT = 6;

  private PretrainHelp() {}

  static void install(CommandSpec command) {
    UsageMessageSpec usage = command.usageMessage();
    usage.customSynopsis("tanuki4j " + command.name() + " [FLAG]... [@FILE]...");
    usage.footer("", "A later flag replaces an earlier one. @FILE stands for the flags in a file.");
    usage.sectionMap().put(SECTION_KEY_OPTION_LIST, PretrainHelp::render);
  }

  private static String render(Help help) {
    StringBuilder text = new StringBuilder();
    groups(help.commandSpec())
        .forEach(
            (title, options) -> {
              text.append('\n').append(title).append('\n');
              options.forEach(option -> render(option, text));
            });
    text.append("\nOf features that are not built\n");
    MissingFeatures.sentences()
        .forEach((feature, sentence) -> render(feature, sentence, help.commandSpec(), text));
    return text.toString();
  }

  private static void render(
      String feature, String sentence, CommandSpec command, StringBuilder text) {
    String names =
        others(command, flag -> flag.isOfFeature() && flag.text().equals(feature)).stream()
            .map(option -> option.names()[0])
            .collect(Collectors.joining(" "));
    wrap("  " + sentence, 0, "", text);
    wrap("", INDENT, names, text);
  }

  private static void render(OptionSpec option, StringBuilder text) {
    String names = "  " + String.join(", ", option.names());
    String left = option.arity().max() == 0 ? names : names + " " + option.paramLabel();
    StringBuilder line = new StringBuilder(left);
    if (left.length() > TEXT_COLUMN - 2) {
      wrap("", 2, left.strip(), text);
      line.setLength(0);
    }
    wrap(line.toString(), TEXT_COLUMN, description(option), text);
  }

  /**
   * Writes words after the beginning of a line, from a column on, wrapped to as many lines as
   * needed.
   */
  private static void wrap(String begin, int column, String words, StringBuilder text) {
    StringBuilder line = new StringBuilder(begin);
    for (String word : words.split(" ", -1)) {
      if (line.length() + 1 + word.length() > WIDTH) {
        text.append(line).append('\n');
        line.setLength(0);
      }
      line.append(" ".repeat(Math.max(1, column - line.length()))).append(word);
    }
    text.append(line.toString().stripTrailing()).append('\n');
  }

  private static String description(OptionSpec option) {
    String text = String.join(" ", option.description());
    String initial = initial(option);
    return initial == null ? text : text + " [" + initial + "]";
  }

  /** Returns the default as a user would write it; null if there is none. */
  static @Nullable String initial(OptionSpec option) {
    Object value = option.initialValue();
    if (value == null || value instanceof Boolean || value.equals("")) {
      return null;
    }
    return value instanceof List<?> list
        ? String.join(" ", list.stream().map(String::valueOf).toList())
        : PythonText.of(value);
  }

  /** Returns the flags under their headings, in the order of the help. */
  static Map<String, List<OptionSpec>> groups(CommandSpec command) {
    Map<String, List<OptionSpec>> groups = new LinkedHashMap<>();
    groups.put(
        "Model [defaults in brackets] (those that follow from other flags)",
        of(
            command,
            ModelOptions.class,
            AttentionOptions.class,
            LayerOptions.class,
            RotaryOptions.class,
            RecomputeOptions.class));
    groups.put("Tokenizer", of(command, TokenizerOptions.class));
    groups.put("Data", of(command, DataOptions.class));
    groups.put("Batches and length of the run", of(command, TrainOptions.class));
    groups.put("Optimizer (AdamW)", of(command, OptimizerOptions.class));
    groups.put(
        "Learning rate and weight decay",
        of(command, ScheduleOptions.class, WeightDecayOptions.class));
    groups.put("Checkpoints", of(command, CheckpointOptions.class));
    groups.put("Log", of(command, LoggingOptions.class, ProfileOptions.class));
    groups.put("TensorBoard", of(command, TensorBoardOptions.class));
    groups.put("Weights & Biases", of(command, WandbOptions.class));
    groups.put("Page of the run", of(command, WebOptions.class));
    groups.put("Machine", of(command, BackendOptions.class));
    groups.put(
        "Ranks",
        of(
            command,
            DistributedOptions.class,
            ParallelOptions.class,
            StageOptions.class,
            DataParallelOptions.class));
    groups.put(
        "Precision", of(command, PrecisionOptions.class, LossScaleOptions.class, Fp8Options.class));
    groups.put("This command", command.options().stream().filter(PretrainHelp::isOwn).toList());
    groups.putAll(ofMegatron(command));
    groups.values().removeIf(List::isEmpty);
    return groups;
  }

  /** Returns the flags that configure nothing here. */
  private static Map<String, List<OptionSpec>> ofMegatron(CommandSpec command) {
    Map<String, List<OptionSpec>> groups = new LinkedHashMap<>();
    groups.put(
        "Known, but not with every value: others end the run with a sentence",
        others(command, flag -> !flag.hasNoEffect() && !flag.isRemoved() && !flag.isOfFeature()));
    groups.put(
        "How Megatron's checkpoints keep weights; the same in training",
        others(command, UnsupportedFlag::isOnlyStored));
    groups.put(
        "Accepted, no effect",
        others(command, flag -> flag.hasNoEffect() && !flag.isOnlyStored() && !flag.isOfFeature()));
    return groups;
  }

  private static List<OptionSpec> of(CommandSpec command, Class<?>... owners) {
    return command.options().stream()
        .filter(option -> Arrays.asList(owners).contains(owner(option)))
        .toList();
  }

  private static List<OptionSpec> others(CommandSpec command, Predicate<UnsupportedFlag> kind) {
    return command.options().stream()
        .filter(option -> option.userObject() instanceof UnsupportedFlag flag && kind.test(flag))
        .toList();
  }

  /** Returns whether the command itself has the flag, or all commands have it. */
  private static boolean isOwn(OptionSpec option) {
    Class<?> owner = owner(option);
    return !(option.userObject() instanceof UnsupportedFlag)
        && (owner == null || owner.getPackage() != PretrainHelp.class.getPackage());
  }

  private static @Nullable Class<?> owner(OptionSpec option) {
    return option.userObject() instanceof Field field ? field.getDeclaringClass() : null;
  }
}
