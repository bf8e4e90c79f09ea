package io.tanuki4j.flags;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** The table of Megatron's flags that configure nothing here: megatron-flags.tsv. */
final class UnsupportedFlags {
  private static final String TABLE = "megatron-flags.tsv";
  private static final int COLUMNS = 6;

  private UnsupportedFlags() {}

  static List<UnsupportedFlag> all() {
    try (InputStream stream = UnsupportedFlags.class.getResourceAsStream(TABLE)) {
      if (stream == null) {
        throw new IllegalStateException("the program's jar lacks " + TABLE);
      }
      return new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))
          .lines()
          .filter(line -> !line.startsWith("#"))
          .map(UnsupportedFlags::parse)
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Those that {@link MegatronFlags} has added to a command. */
  static List<UnsupportedFlag> of(CommandSpec command) {
    return command.options().stream()
        .map(OptionSpec::userObject)
        .filter(UnsupportedFlag.class::isInstance)
        .map(UnsupportedFlag.class::cast)
        .toList();
  }

  private static UnsupportedFlag parse(String line) {
    String[] cells = line.split("\t", -1);
    if (cells.length != COLUMNS) {
      throw new IllegalStateException(TABLE + ": " + COLUMNS + " columns expected: " + line);
    }
    List<String> names = List.of(cells[0].split(",", -1));
    return new UnsupportedFlag(names, cells[1], cells[2], cells[3], cells[4], cells[5]);
  }
}
