package io.tanuki4j;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The walks of architecture.md: their files are there, and as many as its table says. */
class WalksTest {
  private static final Path ARCHITECTURE = Path.of("src", "site", "markdown", "architecture.md");
  private static final Path MAIN = Path.of("src", "main", "java", "io", "tanuki4j");

  /** {@code train.Trainer} or {@code train.Trainer.run}, in backticks. */
  private static final Pattern TYPE =
      Pattern.compile("`((?:[a-z0-9]+\\.)+[A-Z]\\w+)(?:\\.(\\w+))?`");

  private static List<String[]> rows(String section, int numCells) throws IOException {
    try (Stream<String> lines = Files.lines(ARCHITECTURE)) {
      return lines
          .dropWhile(line -> !line.equals("## " + section))
          .skip(1)
          .takeWhile(line -> !line.startsWith("## "))
          .filter(line -> line.startsWith("| "))
          .map(line -> line.split("\\|", -1))
          .filter(cells -> cells.length == numCells + 2)
          .toList();
    }
  }

  private static List<MatchResult> types(String text) {
    return TYPE.matcher(text).results().toList();
  }

  private static Path file(MatchResult type) {
    return MAIN.resolve(type.group(1).replace('.', '/') + ".java");
  }

  @Test
  void the_table_counts_the_files_of_each_walk() throws IOException {
    Map<String, String> counts =
        rows("How many files a reader opens", 4).stream()
            .filter(cells -> cells[4].strip().matches("\\d{1,2}"))
            .collect(Collectors.toMap(cells -> cells[1].strip(), cells -> cells[4].strip()));
    Map<String, String> lists =
        rows("How many files a reader opens", 3).stream()
            .skip(1)
            .collect(
                Collectors.toMap(
                    cells -> cells[1].strip(),
                    cells -> String.valueOf(types(cells[2]).stream().distinct().count())));
    assertThat(counts).hasSizeGreaterThan(3).isEqualTo(lists);
  }

  @Test
  void every_file_of_a_walk_is_there() throws IOException {
    for (String[] cells : rows("How many files a reader opens", 3)) {
      assertThat(types(String.join(" ", cells)))
          .allSatisfy(type -> assertThat(file(type)).exists());
    }
  }

  @Test
  void every_stop_of_an_iteration_is_there() throws IOException {
    List<MatchResult> stops =
        rows("One iteration, as a reader meets it", 3).stream()
            .flatMap(cells -> types(cells[2]).stream())
            .toList();
    assertThat(stops).hasSizeGreaterThan(15);
    for (MatchResult stop : stops) {
      String method = stop.group(2) == null ? "" : " " + stop.group(2) + "(";
      assertThat(file(stop)).content().as(stop.group()).contains(method);
    }
  }
}
