package io.tanuki4j.data.preprocess;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class InputFilesTest {
  @TempDir private Path folder;

  @BeforeEach
  void makeFiles() throws IOException {
    Files.createDirectories(folder.resolve("d/e"));
    for (String name :
        List.of("b.jsonl", "a.jsonl", ".h.jsonl", "c[1].jsonl", "d/x.gz", "d/e/y.gz")) {
      Files.createFile(folder.resolve(name));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "a.jsonl | a.jsonl",
        "c[1].jsonl | c[1].jsonl",
        "?.jsonl | a.jsonl b.jsonl",
        "*.jsonl | a.jsonl b.jsonl c[1].jsonl",
        "{b,d/x}.* | b.jsonl d/x.gz",
        "*/*.gz | d/x.gz",
        "**.gz | d/e/y.gz d/x.gz"
      })
  void a_name_or_pattern_gives_files_in_the_order_of_their_names(String pattern, String names) {
    List<Path> expected = List.of(names.split(" ", -1)).stream().map(folder::resolve).toList();
    assertThat(InputFiles.find(folder + "/" + pattern)).isEqualTo(expected);
  }

  @Test
  void relative_patterns_give_relative_paths() {
    assertThat(InputFiles.find("training_corpus/*.jsonl"))
        .containsExactly(Path.of("training_corpus/en.jsonl"), Path.of("training_corpus/ja.jsonl"));
    assertThat(InputFiles.find("pom*l")).containsExactly(Path.of("pom.xml"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"none.jsonl", "none*.jsonl", "nowhere/*.jsonl", "d", "[.jsonl"})
  void what_matches_nothing_is_refused(String pattern) {
    assertThatExceptionOfType(UserException.class)
        .isThrownBy(() -> InputFiles.find(folder + "/" + pattern))
        .withMessageStartingWith("--input: " + folder + "/" + pattern);
  }
}
