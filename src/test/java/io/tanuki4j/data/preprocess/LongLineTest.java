package io.tanuki4j.data.preprocess;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.cli.Program;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A document of a million characters, in a heap that is small for it. */
class LongLineTest {
  private static final String SENTENCE = "吾輩は猫である。名前はまだ無い。";
  private static final int REPEATS = 60_000;

  /** What a run needs for one short line, and 16 bytes for each character of the long one. */
  private static final int HEAP_MIB = 16 + 16 * SENTENCE.length() * REPEATS / (1 << 20);

  @TempDir Path folder;

  /** Python writes Japanese as escapes by default, six bytes a character. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void sixteen_bytes_a_character_are_enough(boolean escaped) throws IOException {
    String sentence = escaped ? escaped(SENTENCE) : SENTENCE;
    Program.Result result = preprocess(sentence.repeat(REPEATS), HEAP_MIB);
    assertThat(result.exitCode()).as(result.output()).isZero();
    assertThat(Files.size(folder.resolve("out_text_document.bin")))
        .isGreaterThan(2L * SENTENCE.length() * REPEATS / 4);
  }

  @Test
  void a_line_that_is_too_long_is_named() throws IOException {
    Program.Result result = preprocess(SENTENCE.repeat(REPEATS), HEAP_MIB / 2);
    assertThat(result.exitCode()).as(result.output()).isEqualTo(1);
    assertThat(result.output())
        .contains("long.jsonl, line 2: ")
        .contains("Cut the document into several, or raise TANUKI4J_HEAP.");
  }

  private Program.Result preprocess(String text, int heapMib) throws IOException {
    Path input = folder.resolve("long.jsonl");
    Files.writeString(input, "{\"text\": \"a\"}\n{\"text\": \"" + text + "\"}\n");
    Path model = Path.of("tokenizer", "ja_en_8k_unigram_identity.model");
    return Program.start(
            folder,
            List.of("-Xmx" + heapMib + "m"),
            List.of(
                "preprocess",
                "--input",
                input.toString(),
                "--output-prefix",
                folder.resolve("out").toString(),
                "--tokenizer-type",
                "SentencePieceTokenizer",
                "--tokenizer-model",
                model.toString(),
                "--workers",
                "1"))
        .await();
  }

  private static String escaped(String text) {
    return text.chars().mapToObj("\\u%04x"::formatted).collect(Collectors.joining());
  }
}
