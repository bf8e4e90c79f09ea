package io.tanuki4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The table bad-command-lines.txt: what is added to a good command line ({@code !--flag} takes a
 * flag out of it), and below, indented, the sentences that the user gets.
 */
class BadCommandLinesTest {
  private static final String TABLE = "bad-command-lines.txt";
  private static final int MIN_ROWS = 100;
  @TempDir static Path folder;

  record Row(String words, List<String> sentences) {
    @Override
    public String toString() {
      return words;
    }
  }

  static Stream<Row> rows() {
    List<Row> rows = new ArrayList<>();
    for (String line : read().lines().filter(line -> !line.startsWith("#")).toList()) {
      if (line.startsWith("    ")) {
        rows.get(rows.size() - 1).sentences().add(line.strip());
      } else if (!line.isBlank()) {
        rows.add(new Row(line, new ArrayList<>()));
      }
    }
    return rows.stream();
  }

  private static String read() {
    try (var stream = BadCommandLinesTest.class.getResourceAsStream(TABLE)) {
      return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @ParameterizedTest
  @MethodSource("rows")
  void a_bad_command_line_gets_its_sentences(Row row) throws IOException {
    CommandLines lines = new CommandLines(folder);
    List<String> words = lines.split(CommandLines.SMALLEST);
    for (String word : lines.split(row.words())) {
      if (word.startsWith("!")) {
        remove(word.substring(1), words);
      } else {
        words.add(word);
      }
    }
    assertThat(lines.problems(words)).containsExactlyElementsOf(row.sentences());
  }

  private static void remove(String flag, List<String> words) {
    int at = words.indexOf(flag);
    do {
      words.remove(at);
    } while (at < words.size() && !words.get(at).startsWith("--"));
  }

  @Test
  void the_table_is_read() {
    assertThat(rows()).hasSizeGreaterThan(MIN_ROWS);
  }
}
