package io.tanuki4j.flags;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * The flags that configure something, pinned: one that comes, goes or changes is seen in review.
 * The table of the others pins itself.
 */
class FlagListTest {
  private static final String LIST = "flags.txt";
  private static final String NAMES = "megatron-names.txt";

  private final CommandLine commandLine = new CommandLine(command());

  private static CommandSpec command() {
    CommandSpec command = CommandSpec.create().name("pretrain");
    command.addMixin("options", CommandSpec.forAnnotatedObject(new PretrainOptions()));
    return new MegatronFlags().transform(command);
  }

  @Test
  void flags_and_defaults_are_those_of_the_list() throws IOException {
    List<String> actual = new ArrayList<>();
    PretrainHelp.groups(commandLine.getCommandSpec())
        .forEach((title, options) -> addLines(title, options, actual));
    assertThat(actual)
        .as(LIST + " should be:\n" + String.join("\n", actual))
        .isEqualTo(lines(LIST));
  }

  private static List<String> lines(String resource) throws IOException {
    try (var stream = FlagListTest.class.getResourceAsStream(resource)) {
      return new String(stream.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.startsWith("# Names"))
          .toList();
    }
  }

  private static void addLines(String title, List<OptionSpec> options, List<String> lines) {
    List<OptionSpec> configuring =
        options.stream()
            .filter(option -> !(option.userObject() instanceof UnsupportedFlag))
            .toList();
    if (!configuring.isEmpty()) {
      lines.add("# " + title);
      configuring.forEach(option -> lines.add(line(option)));
    }
  }

  private static String line(OptionSpec option) {
    String names = String.join(" ", option.names());
    String label = option.arity().max() == 0 ? "" : " " + option.paramLabel();
    String initial = PretrainHelp.initial(option);
    return names + label + (initial == null ? "" : " = " + initial);
  }

  @Test
  void every_flag_of_megatron_is_known_by_name() throws IOException {
    assertThat(commandLine.getCommandSpec().optionsMap().keySet()).containsAll(lines(NAMES));
  }

  @Test
  void each_flag_has_an_attribute_of_its_own() {
    Set<String> dests = new HashSet<>();
    for (OptionSpec option : commandLine.getCommandSpec().options()) {
      assertThat(dests.add(Arguments.dest(option))).as(Arguments.dest(option)).isTrue();
    }
  }

  @Test
  void the_table_of_other_flags_is_sound() {
    assertThat(UnsupportedFlags.all())
        .hasSizeGreaterThan(700)
        .allSatisfy(
            flag -> {
              assertThat(flag.names()).allMatch(name -> name.startsWith("--"));
              assertThat(flag.dest()).matches("[a-zA-Z0-9_]+");
              assertThat(flag.type()).matches("flag|noflag|int|float|str|list|.+\\|.+");
              if (flag.isOfFeature()) {
                assertThat(MissingFeatures.sentences()).containsKey(flag.text());
              } else {
                assertThat(flag.text()).endsWith(".");
              }
            });
  }

  @Test
  void the_help_explains_every_flag_once() {
    String help = commandLine.getUsageMessage();
    assertThat(help.lines()).allMatch(line -> line.length() <= 110);
    for (OptionSpec option : commandLine.getCommandSpec().options()) {
      if (!(option.userObject() instanceof UnsupportedFlag flag && flag.isRemoved())) {
        assertThat(help).contains(" " + option.names()[0]);
      }
    }
    assertThat(help).contains("--lr-decay-style STYLE").contains("[linear]");
  }
}
