package io.tanuki4j.flags;

import io.tanuki4j.flags.UnsupportedFlag.Effect;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** The table of Megatron's flags that configure nothing here: megatron-flags.tsv. */
final class UnsupportedFlags {
  private static final String TABLE = "megatron-flags.tsv";
  private static final int COLUMNS = 6;

  private UnsupportedFlags() {}

  static List<UnsupportedFlag> all() {
    return FlagTable.rows(TABLE, COLUMNS).stream().map(UnsupportedFlags::parse).toList();
  }

  /** Returns the flags that {@link MegatronFlags} has added to a command. */
  static List<UnsupportedFlag> of(CommandSpec command) {
    return command.options().stream()
        .map(OptionSpec::userObject)
        .filter(UnsupportedFlag.class::isInstance)
        .map(UnsupportedFlag.class::cast)
        .toList();
  }

  private static UnsupportedFlag parse(List<String> cells) {
    List<String> names = List.of(cells.get(0).split(",", -1));
    Effect effect = Effect.of(cells.get(4));
    List<String> allowed =
        effect == Effect.SOME_VALUES ? List.of(cells.get(4).split(",", -1)) : List.of();
    return new UnsupportedFlag(
        names, cells.get(1), cells.get(2), cells.get(3), effect, allowed, cells.get(5));
  }
}
