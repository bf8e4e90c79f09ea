package io.tanuki4j.flags;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Reads tables of flags in the program's jar: tabs separate cells, and # begins a comment. */
final class FlagTable {
  private FlagTable() {}

  static List<List<String>> rows(String name, int numColumns) {
    return lines(name).stream()
        .filter(line -> !line.startsWith("#"))
        .map(line -> cells(name, numColumns, line))
        .toList();
  }

  static List<String> lines(String name) {
    try (InputStream stream = FlagTable.class.getResourceAsStream(name)) {
      if (stream == null) {
        throw new IllegalStateException("the program's jar lacks " + name);
      }
      return new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))
          .lines()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<String> cells(String table, int numColumns, String line) {
    List<String> cells = List.of(line.split("\t", -1));
    if (cells.size() != numColumns) {
      throw new IllegalStateException(
          "%s: %d columns expected: %s".formatted(table, numColumns, line));
    }
    return cells;
  }
}
