package io.tanuki4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class FailuresTest {

  @Test
  void a_sentence_around_a_failure_of_the_disk_is_shown_as_it_is() {
    IOException cause = new IOException("No space left on device");
    String sentence = "run: saving iteration 2 failed: the disk is full.";
    assertThat(printed(new UncheckedIOException(sentence, cause)))
        .isEqualTo("tanuki4j: " + sentence + "\n");
  }

  @Test
  void words_about_a_failure_of_the_disk_get_its_reason() {
    assertThat(printed(new UncheckedIOException("cannot read a.bin", new IOException("I/O error"))))
        .isEqualTo("tanuki4j: cannot read a.bin: I/O error.\n");
    IOException denied = new AccessDeniedException("a.bin");
    assertThat(printed(new UncheckedIOException("cannot read a.bin", denied)))
        .isEqualTo("tanuki4j: cannot read a.bin: not allowed to read or write it.\n");
  }

  @Test
  void a_failure_of_the_disk_without_a_sentence_names_the_file() {
    assertThat(printed(new UncheckedIOException(new AccessDeniedException("a.txt"))))
        .isEqualTo("tanuki4j: a.txt: not allowed to read or write it.\n");
  }

  private static String printed(Exception failure) {
    StringWriter text = new StringWriter();
    CommandLine command = new CommandLine(new Main()).setErr(new PrintWriter(text));
    Failures.failed(command, failure, false);
    return text.toString();
  }
}
