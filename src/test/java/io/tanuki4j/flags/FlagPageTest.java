package io.tanuki4j.flags;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** The page of all flags: made here from the flags themselves, and compared with the one kept. */
class FlagPageTest {
  private static final Path PAGE = Path.of("src/site/markdown/flags.md");
  private static final Path FRESH = Path.of("target/flags.md");

  private final CommandSpec command = command();

  private static CommandSpec command() {
    CommandSpec command = CommandSpec.create().name("pretrain");
    command.addMixin("options", CommandSpec.forAnnotatedObject(new PretrainOptions()));
    return new MegatronFlags().transform(command);
  }

  @Test
  void the_page_of_flags_is_up_to_date() throws IOException {
    String page = page();
    if (!Files.exists(PAGE) || !Files.readString(PAGE).equals(page)) {
      Files.createDirectories(FRESH.getParent());
      Files.writeString(FRESH, page);
    }
    assertThat(PAGE).as("stale: cp %s %s".formatted(FRESH, PAGE)).exists().hasContent(page);
  }

  private String page() {
    List<String> lines = new ArrayList<>();
    lines.add("# Flags of pretrain");
    lines.add("");
    lines.add("Every flag of Megatron-LM core 0.12 to main of August 2026, and those of its forks");
    lines.add("that are known. The page is made from the flags; `FlagPageTest` fails where it is");
    lines.add("stale, and writes a new one.");
    PretrainHelp.groups(command).forEach((title, options) -> group(heading(title), options, lines));
    features(lines);
    return String.join("\n", lines) + "\n";
  }

  /** The page has a column for what the help shows in brackets. */
  private static String heading(String title) {
    return title.replaceAll(" [\\[(]defaults? .*", "");
  }

  private static void group(String title, List<OptionSpec> options, List<String> lines) {
    lines.addAll(List.of("", "## " + title, ""));
    lines.addAll(List.of("| flag | default | what it is |", "|---|---|---|"));
    for (OptionSpec option : options) {
      String initial = PretrainHelp.initial(option);
      lines.add(
          "| %s | %s | %s |"
              .formatted(
                  names(option),
                  initial == null ? "" : "`" + cell(initial) + "`",
                  prose(String.join(" ", option.description()))));
    }
  }

  private static String names(OptionSpec option) {
    String label = option.arity().max() == 0 ? "" : " " + option.paramLabel();
    return List.of(option.names()).stream()
        .map(name -> "`" + cell(name + label) + "`")
        .collect(Collectors.joining(", "));
  }

  private void features(List<String> lines) {
    lines.addAll(List.of("", "## Of features that are not built", ""));
    lines.add(
        "A run that asks for one ends with its sentence. Flags in parentheses only shape the");
    lines.add("feature, and have no effect without the others.");
    lines.addAll(List.of("", "| feature | flags |", "|---|---|"));
    MissingFeatures.sentences()
        .forEach(
            (feature, text) -> lines.add("| %s | %s |".formatted(prose(text), flagsOf(feature))));
  }

  private String flagsOf(String feature) {
    return UnsupportedFlags.of(command).stream()
        .filter(flag -> flag.isOfFeature() && flag.text().equals(feature))
        .map(flag -> (flag.hasNoEffect() ? "(`%s`)" : "`%s`").formatted(flag.name()))
        .collect(Collectors.joining(" "));
  }

  /** Flags in a sentence become code, or the site's typography makes a dash of their hyphens. */
  private static String prose(String text) {
    return cell(text).replaceAll("(?<![`\\w-])--[a-z][a-z0-9-]*", "`$0`");
  }

  private static String cell(String text) {
    return text.replace("<", "&lt;").replace(">", "&gt;").replace("|", "\\|");
  }
}
