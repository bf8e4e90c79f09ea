package io.tanuki4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class PreprocessCommandTest {
  private static final int OK = 0;
  private static final int FAILURE = 1;
  private static final int USAGE = 2;

  @TempDir private Path folder;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @Test
  void writes_a_corpus_and_says_what_it_wrote() throws IOException {
    Files.writeString(folder.resolve("a.jsonl"), "{\"t\": \"1 2\", \"u\": \"3\"}\n");
    Files.writeString(folder.resolve("b.jsonl"), "{\"t\": \"4\", \"u\": [\"5\"]}\n");
    int code =
        run(
            "--input "
                + folder
                + "/?.jsonl --output-prefix "
                + folder
                + "/out --json-keys t u"
                + " --tokenizer-type NullTokenizer --vocab-size 9 --append-eod --log-interval 1"
                + " --workers 2 --partitions 2 --dataset-impl mmap --lang english");
    assertThat(code).as(err.toString()).isEqualTo(OK);
    assertThat(out)
        .hasToString(
            "Wrote 2 documents, 9 tokens (uint16): %1$s/out_t_document.bin and .idx, %1$s/out_u_document.bin and .idx%n"
                .formatted(folder));
    assertThat(err.toString().lines())
        .startsWith("NullTokenizer: 10 ids, documents end with 9, padded vocabulary 128")
        .last()
        .asString()
        .startsWith("Processed 2 documents (");
    assertThat(folder.resolve("out_u_document.idx")).exists();
  }

  @Test
  void several_inputs_make_one_corpus() throws IOException {
    Path a = Files.writeString(folder.resolve("a.jsonl"), "{\"text\": \"1 2\"}\n");
    Path b = Files.writeString(folder.resolve("b.jsonl"), "{\"text\": \"4\"}\n");
    String rest =
        " --output-prefix " + folder + "/out --tokenizer-type NullTokenizer --vocab-size 9";
    assertThat(run("--input " + b + " " + a + rest)).as(err.toString()).isEqualTo(OK);
    assertThat(out.toString()).startsWith("Wrote 2 documents, 3 tokens");
  }

  @Test
  void names_every_wrong_flag_at_once() {
    assertThat(run("--workers 0 --partitions -1 --split-sentences --dataset-impl lazy"))
        .isEqualTo(USAGE);
    assertThat(err.toString())
        .contains(
            "--input: not given",
            "--output-prefix: not given",
            "--workers: 0 (expected: more than 0)",
            "--partitions: -1",
            "--split-sentences: given (expected: not given). Split the texts beforehand",
            "--dataset-impl: lazy (expected: one of mmap)",
            "--tokenizer-type: not given");
  }

  @Test
  void flags_that_do_not_go_together_are_wrong_usage() throws IOException {
    Path input = Files.writeString(folder.resolve("a.jsonl"), "{\"text\": \"1\"}\n");
    String rest =
        " --output-prefix " + folder + "/out --tokenizer-type NullTokenizer --vocab-size 9";
    assertThat(run("--input " + input + " --workers 3 --partitions 2" + rest)).isEqualTo(USAGE);
    assertThat(run("--input " + folder + "/none" + rest)).isEqualTo(USAGE);
    assertThat(err.toString())
        .contains("--workers: 3 (expected: a positive multiple of --partitions 2)")
        .contains("--input: " + folder + "/none (expected: a file");
  }

  @Test
  void a_bad_line_is_a_failure_in_one_sentence_that_leaves_no_file() throws IOException {
    Path input = Files.writeString(folder.resolve("a.jsonl"), "{\"text\": \"1\"}\n{\"text\": 2}\n");
    int code =
        run(
            "--input "
                + input
                + " --output-prefix "
                + folder
                + "/out"
                + " --tokenizer-type NullTokenizer --vocab-size 9");
    assertThat(code).isEqualTo(FAILURE);
    assertThat(err.toString().lines())
        .last()
        .asString()
        .isEqualTo(
            "preprocess: %s, line 2: key \"text\": a number (expected: a string or a list of strings)."
                    .formatted(input)
                + " Fix or remove the line.");
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).containsExactly(input);
    }
  }

  private int run(String flags) {
    CommandLine commandLine = new CommandLine(new PreprocessCommand());
    commandLine
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .setExecutionExceptionHandler(
            (failure, command, words) -> Failures.failed(command, failure, false));
    return commandLine.execute(List.of(flags.split(" ", -1)).toArray(String[]::new));
  }
}
