package io.tanuki4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.config.ConfigException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TextEncodingTest {
  @TempDir Path folder;

  @Test
  void words_that_the_locale_has_lost_are_refused() {
    assertThatThrownBy(
            () -> TextEncoding.requireReadable(List.of("--save", "吾輩"), "ANSI_X3.4-1968"))
        .isInstanceOf(ConfigException.class)
        .hasMessage(
            "LC_ALL: a locale with ANSI_X3.4-1968 (expected: one with UTF-8, to read '吾輩'). Set LC_ALL=C.UTF-8, as scripts/tanuki4j does.");
    assertThatCode(() -> TextEncoding.requireReadable(List.of("吾輩"), "UTF-8"))
        .doesNotThrowAnyException();
    assertThatCode(() -> TextEncoding.requireReadable(List.of("--lr"), "ANSI_X3.4-1968"))
        .doesNotThrowAnyException();
  }

  /** The script with a java that only says which locale and words it has. */
  @ParameterizedTest
  @CsvSource({
    "LC_ALL, C, C.UTF-8",
    "LC_ALL, POSIX, C.UTF-8",
    "LANG, C, C.UTF-8",
    "HOME, x, C.UTF-8",
    "LC_ALL, ja_JP.UTF-8, ja_JP.UTF-8",
    "LANG, ja_JP.UTF-8, ''"
  })
  void the_script_gives_java_a_locale_that_knows_japanese(
      String variable, String value, String expected) throws Exception {
    Path java = Files.createDirectories(folder.resolve("bin")).resolve("java");
    Files.writeString(java, "#!/bin/sh\necho \"$LC_ALL\"\n");
    assertThat(java.toFile().setExecutable(true)).isTrue();
    Path home = Files.createDirectories(folder.resolve("home/scripts"));
    Files.copy(Path.of("scripts/tanuki4j"), home.resolve("tanuki4j"));
    Files.createDirectories(folder.resolve("home/target"));
    Files.createFile(folder.resolve("home/target/tanuki4j.jar"));
    ProcessBuilder builder = new ProcessBuilder("bash", home.resolve("tanuki4j").toString());
    builder.environment().keySet().removeIf(name -> name.startsWith("LC_") || name.equals("LANG"));
    builder.environment().put("JAVA_HOME", folder.toString());
    builder.environment().put(variable, value);
    Process process = builder.start();
    assertThat(output(process)).isEqualTo(expected);
    assertThat(process.waitFor()).isZero();
  }

  private static String output(Process process) {
    try {
      return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
