package io.tanuki4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.config.ConfigException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ArgumentFilesTest {
  @TempDir Path folder;

  private Path write(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }

  @Test
  void the_words_of_a_file_take_the_place_of_its_name() throws IOException {
    Path file =
        write(
            "run.args",
            """
            # a comment
            --data-path "a b" 'c d'   # and another
              --split 9,1,0 --save runs/a#b --name=x" y"
            """);
    assertThat(ArgumentFiles.expand(List.of("pretrain", "@" + file, "--lr", "1")))
        .containsExactly(
            "pretrain",
            "--data-path",
            "a b",
            "c d",
            "--split",
            "9,1,0",
            "--save",
            "runs/a#b",
            "--name=x y",
            "--lr",
            "1");
  }

  @Test
  void a_file_may_name_a_file_and_two_signs_stand_for_one() throws IOException {
    Path inner = write("inner.args", "--bf16 @@literal");
    Path outer = write("outer.args", "--lr 1 @" + inner);
    assertThat(ArgumentFiles.expand(List.of("@" + outer)))
        .containsExactly("--lr", "1", "--bf16", "@literal");
  }

  @Test
  void a_file_that_is_not_there_gets_the_nearest_name() throws IOException {
    write("tiny.args", "");
    assertThatThrownBy(() -> ArgumentFiles.expand(List.of("@" + folder + "/tine.args")))
        .isInstanceOf(ConfigException.class)
        .hasMessage(
            "@%s/tine.args: no such file (expected: a file of flags after @). Did you mean"
                    .formatted(folder)
                + " @%s/tiny.args?".formatted(folder));
  }

  @Test
  void a_file_that_names_itself_ends() throws IOException {
    Path file = folder.resolve("loop.args");
    Files.writeString(file, "@" + file);
    assertThatThrownBy(() -> ArgumentFiles.expand(List.of("@" + file)))
        .isInstanceOf(ConfigException.class)
        .hasMessageEndingWith("8 deep. Does it name itself?");
  }

  @Test
  void no_word_is_too_long() throws IOException {
    String word = "a".repeat(100_000);
    Path file = write("long.args", word + "\n" + "\"a\"".repeat(100_000));
    assertThat(ArgumentFiles.expand(List.of("@" + file))).containsExactly(word, word);
  }

  @Test
  void a_character_that_no_text_has_is_found_with_its_line() throws IOException {
    Path file = write("nul.args", "--lr 1\n@a\0b\n");
    assertThatThrownBy(() -> ArgumentFiles.expand(List.of("@" + file)))
        .isInstanceOf(ConfigException.class)
        .hasMessageEndingWith("a NUL character in line 2 (expected: text). Check the file.");
  }

  @Test
  void an_open_quotation_is_found_with_its_line() throws IOException {
    Path file = write("open.args", "--lr 1\n--save \"a\n");
    assertThatThrownBy(() -> ArgumentFiles.expand(List.of("@" + file)))
        .isInstanceOf(ConfigException.class)
        .hasMessageEndingWith("a quotation mark that does not close, in line 2. Close it.");
  }
}
