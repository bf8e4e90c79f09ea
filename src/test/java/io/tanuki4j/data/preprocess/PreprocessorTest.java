package io.tanuki4j.data.preprocess;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.github.luben.zstd.Zstd;
import io.tanuki4j.error.UserException;
import io.tanuki4j.tokenizer.Tokenizer;
import io.tanuki4j.tokenizer.TokenizerConfig;
import io.tanuki4j.tokenizer.Tokenizers;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PreprocessorTest {
  private static final int LARGE_VOCAB = 69999;
  private static final Tokenizer WORDS =
      Tokenizers.open(new TokenizerConfig("NullTokenizer", null, LARGE_VOCAB, 0, true, 128));

  @TempDir private Path folder;

  /**
   * The hashes are of the files that the IndexedDatasetBuilder of Megatron-LM core_v0.12.3 writes
   * from the ids of spm_encode 0.1.97 (tools/check_spm_ids.sh), each document with the id 6
   * appended; its tools/preprocess_data.py with --append-eod makes the same of en.jsonl.
   */
  @ParameterizedTest
  @CsvSource({
    "ja, 1, ef3bf57065a8d6b74e4aa773e2ad4c10fec01ee99f3f7152270e0586bbab6014,"
        + " de112ee5348f984f5511aa18c731208942eec3bae956bfc09ce4cd46db156d53",
    "en, 3, 2b0b92751d7825c6e365885d8b229d3705d2f8b262691e831e27e86f26ccc70e,"
        + " ff627adcb740c4f83169e5fadb9bb36d76cb35fca1f9035feee1a97f74635ffb"
  })
  void the_bundled_corpora_become_the_files_that_megatron_writes(
      String language, int workers, String bin, String idx)
      throws IOException, NoSuchAlgorithmException {
    Path model = Path.of("tokenizer", "ja_en_8k_unigram_identity.model");
    Path input = Path.of("training_corpus", language + ".jsonl");
    try (Tokenizer tokenizer =
        Tokenizers.open(new TokenizerConfig("SentencePieceTokenizer", model, null, 0, true, 128))) {
      Preprocessor.run(
          config(List.of(input), List.of("text"), true, workers, 1), tokenizer, p -> {});
    }
    assertThat(sha256(out("text", ".bin"))).isEqualTo(bin);
    assertThat(sha256(out("text", ".idx"))).isEqualTo(idx);
  }

  /** The bytes are those of megatron-core 0.12.3 for these documents. */
  @Test
  void lists_are_sequences_and_empty_documents_are_boundaries() throws IOException {
    run(
        write("{\"text\": [\"1 2 3\", \"\", \"9 8\"]}\n{\"text\": \"\"}\n{\"text\": \"69999\"}\n"),
        false);
    assertThat(hex(out("text", ".bin")))
        .isEqualTo("01000000020000000300000009000000080000006f110100");
    assertThat(hex(out("text", ".idx")))
        .isEqualTo(
            "4d4d49444944580000010000000000000004030000000000000004000000000000000300000002000000"
                + "0100000000000000000000000c0000000000000014000000000000000000000000000000020000000000"
                + "000002000000000000000300000000000000");
  }

  @Test
  void eod_ends_the_last_sequence_of_documents_that_have_tokens() throws IOException {
    run(write("{\"text\": [\"1\", \"2\", \"\"]}\n{\"text\": []}\n{\"text\": \"3\"}"), true);
    assertThat(ints(out("text", ".bin"))).containsExactly(1, 2, LARGE_VOCAB, 3, LARGE_VOCAB);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7})
  void the_order_of_the_lines_does_not_depend_on_the_workers(int workers) throws IOException {
    int numLines = 20000; // Several batches.
    Path input =
        write(
            IntStream.range(0, numLines)
                .mapToObj(i -> "{\"text\": \"%d\", \"pad\": \"%s\"}%n".formatted(i, "x".repeat(40)))
                .collect(Collectors.joining()));
    assertThat(Files.size(input)).isGreaterThan(4L * LineBatches.BATCH_SIZE);
    Preprocessor.Result result =
        Preprocessor.run(
            config(List.of(input), List.of("text"), false, workers, 1), WORDS, p -> {});
    assertThat(ints(out("text", ".bin"))).isEqualTo(IntStream.range(0, numLines).toArray());
    assertThat(result.progress().documents()).isEqualTo(numLines);
    assertThat(result.progress().textBytes()).isEqualTo(Files.size(input) - numLines);
    assertThat(result.progress().fraction()).isEqualTo(1);
    assertThat(result.tokens()).isEqualTo(numLines);
  }

  @Test
  void every_key_becomes_a_corpus() throws IOException {
    Path input = write("{\"a\": \"1\", \"x\": [{}], \"b\": \"2 3\"}\n{\"b\": \"4\", \"a\": \"5\"}");
    Preprocessor.run(config(List.of(input), List.of("b", "a"), false, 1, 1), WORDS, p -> {});
    assertThat(ints(out("a", ".bin"))).containsExactly(1, 5);
    assertThat(ints(out("b", ".bin"))).containsExactly(2, 3, 4);
    assertThat(out("a", ".idx")).exists();
    assertThat(out("b", ".idx")).exists();
  }

  @Test
  void partitions_deal_lines_out_across_files_as_megatron_does() throws IOException {
    Path first = write("{\"text\": \"0\"}\n{\"text\": \"1\"}\n{\"text\": \"2\"}");
    Path second = folder.resolve("second.jsonl");
    Files.writeString(second, "{\"text\": \"3\"}\n{\"text\": \"4\"}\n");
    Preprocessor.run(config(List.of(first, second), List.of("text"), false, 2, 2), WORDS, p -> {});
    assertThat(ints(out("text", ".bin"))).containsExactly(0, 2, 4, 1, 3);
  }

  @Test
  void sequential_samples_stay_in_order_whatever_the_partitions() throws IOException {
    Path input = write("{\"text\": \"0\"}\n{\"text\": \"1\"}\n{\"text\": \"2\"}");
    PreprocessConfig sequential =
        new PreprocessConfig(List.of(input), List.of("text"), prefix(), false, 4, 2, true);
    Preprocessor.run(sequential, WORDS, p -> {});
    assertThat(ints(out("text", ".bin"))).containsExactly(0, 1, 2);
  }

  @Test
  void packed_files_give_what_plain_ones_give() throws IOException {
    byte[] text = "{\"text\": \"1 2\"}\n{\"text\": \"3\"}\n".getBytes(StandardCharsets.UTF_8);
    ByteArrayOutputStream gzip = new ByteArrayOutputStream();
    pack(gzip, Arrays.copyOf(text, 16));
    pack(gzip, Arrays.copyOfRange(text, 16, text.length)); // A second member, as cat makes it.
    run(Files.write(folder.resolve("in.jsonl.gz"), gzip.toByteArray()), false);
    assertThat(ints(out("text", ".bin"))).containsExactly(1, 2, 3);
    run(Files.write(folder.resolve("in.jsonl.zst"), Zstd.compress(text)), true);
    assertThat(ints(out("text", ".bin"))).containsExactly(1, 2, LARGE_VOCAB, 3, LARGE_VOCAB);
  }

  @Test
  void a_line_may_be_longer_than_a_batch() throws IOException {
    int numWords = LineBatches.BATCH_SIZE;
    run(write("{\"text\": \"1\"}\n{\"text\": \"" + "2 ".repeat(numWords) + "\"}\n"), false);
    assertThat(Files.size(out("text", ".bin"))).isEqualTo(Integer.BYTES * (numWords + 1L));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"text\": \"1 | not valid JSON near character 12. Fix",
        "{\"text\": \"1\"} x | not valid JSON near character 15. Fix",
        "{'text': \"1\"} | not valid JSON near character 2. Fix",
        "{\"text\": \"1\", \"score\": -NaN} | not valid JSON near character 25. Fix",
        "{\"text\": \"1\", \"é\": [{}, 01]} | not valid JSON near character 26. Fix",
        "{\"text\": \"1\",} | not valid JSON near character 14. Fix",
        "{\"text\": \"\\x\"} | not valid JSON near character 12. Fix",
        "`` | not valid JSON near character 1. Fix",
        "[\"1\"] | the line: a list (expected: an object). Fix",
        "{\"text\": 1} | key \"text\": a number (expected: a string or a list of strings). Fix",
        "{\"text\": null} | key \"text\": null (expected: a string or a list of strings). Fix",
        "{\"text\": [\"1\", {}]} | the list of key \"text\": an object (expected: a string",
        "{\"body\": \"1\", \"id\": 7} | no key \"text\" (the line has: body, id). Name the key",
        "{} | no key \"text\" (the line has: no other key). Name",
        "{\"text\": \"one\"} | the word 'one' is not an integer",
        "{\"text\": \"70000\"} | token 0 of the text: id 70000"
      })
  void a_bad_line_is_named_with_its_reason(String line, String reason) throws IOException {
    Path input = write("{\"text\": \"1\"}\n{\"text\": \"1\"}\n" + line + "\n{\"text\": \"2\"}\n");
    assertThatExceptionOfType(UserException.class)
        .isThrownBy(() -> run(input, false))
        .withMessageStartingWith("%s, line 3: %s", input, reason)
        .withMessageNotContaining("\n")
        .withMessageNotContaining("Gson");
    assertThat(created()).as("files after the failure").isEmpty();
  }

  /** Python reads such lines, and so does Megatron. */
  @Test
  void what_python_takes_under_other_keys_is_taken() throws IOException {
    String deep = "{\"a\": [".repeat(400) + "]}".repeat(400);
    run(
        write(
            "{\"score\": NaN, \"s\": [Infinity, -Infinity, -0.5e+3], \"text\": \"1\"}\n"
                + "{\"text\": \"2\", \"meta\": "
                + deep
                + "}\n"
                + "{\"text\": \"9\", \"x\\n\": [null, true, {}, []], \"text\": \"\\u0033 \\t4\"}\n"),
        false);
    assertThat(ints(out("text", ".bin"))).containsExactly(1, 2, 3, 4);
  }

  @Test
  void text_that_is_not_utf8_is_named() throws IOException {
    Path input = folder.resolve("in.jsonl");
    Files.write(input, "{\"text\": \"\u00e9\"}".getBytes(StandardCharsets.ISO_8859_1));
    assertThatExceptionOfType(UserException.class)
        .isThrownBy(() -> run(input, false))
        .withMessage(
            "%s, line 1: byte 11 of the line is not UTF-8. Convert the file to UTF-8.", input);
  }

  @Test
  void cut_and_foreign_packed_files_are_named() throws IOException {
    ByteArrayOutputStream gzip = new ByteArrayOutputStream();
    pack(gzip, "{\"text\": \"1 2 3 4 5 6\"}\n".getBytes(StandardCharsets.UTF_8));
    Path cut = folder.resolve("cut.gz");
    Files.write(cut, Arrays.copyOf(gzip.toByteArray(), gzip.size() - 9));
    Path foreign = Files.writeString(folder.resolve("foreign.zst"), "{\"text\": \"1\"}\n");
    byte[] zstd = Zstd.compress("{\"text\": \"1 2 3 4 5 6\"}\n".getBytes(StandardCharsets.UTF_8));
    Path cutZstd = Files.write(folder.resolve("cut.zst"), Arrays.copyOf(zstd, zstd.length - 5));
    for (Path file : List.of(cut, foreign, cutZstd)) {
      assertThatExceptionOfType(UserException.class)
          .isThrownBy(() -> run(file, false))
          .withMessageStartingWith("%s, line 1: cannot be read (", file)
          .withMessageEndingWith("Check the file, for example that it was copied whole.");
    }
    assertThat(created()).isEmpty();
  }

  @Test
  void a_failure_leaves_an_older_corpus_as_it_was() throws IOException {
    run(write("{\"text\": \"1\"}"), false);
    assertThatExceptionOfType(UserException.class)
        .isThrownBy(() -> run(write("{\"text\": \"2\"}\n{"), false));
    assertThat(ints(out("text", ".bin"))).containsExactly(1);
    assertThat(created())
        .containsExactlyInAnyOrder("out_text_document.bin", "out_text_document.idx");
  }

  @Test
  void inputs_without_lines_are_refused() throws IOException {
    Path empty = write("");
    assertThatExceptionOfType(UserException.class)
        .isThrownBy(() -> run(empty, false))
        .withMessageStartingWith("--input: [%s] (expected: lines, but there are none)", empty);
  }

  @Test
  void options_out_of_range_are_refused() {
    assertThatExceptionOfType(UserException.class)
        .isThrownBy(() -> config(List.of(Path.of("x")), List.of("a", "a"), false, 1, 1))
        .withMessageStartingWith("--json-keys: [a, a] (expected: each key once)");
    assertThatExceptionOfType(UserException.class)
        .isThrownBy(() -> config(List.of(Path.of("x")), List.of("a"), false, 3, 2))
        .withMessage("--workers: 3 (expected: a positive multiple of --partitions 2). Use 2.");
  }

  private void run(Path input, boolean appendEod) {
    Preprocessor.run(config(List.of(input), List.of("text"), appendEod, 2, 1), WORDS, p -> {});
  }

  private PreprocessConfig config(
      List<Path> inputs, List<String> keys, boolean appendEod, int workers, int partitions) {
    return new PreprocessConfig(inputs, keys, prefix(), appendEod, workers, partitions, false);
  }

  private Path prefix() {
    return folder.resolve("out");
  }

  private Path out(String key, String suffix) {
    return folder.resolve("out_" + key + "_document" + suffix);
  }

  private Path write(String text) throws IOException {
    return Files.writeString(folder.resolve("in.jsonl"), text);
  }

  private List<String> created() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.startsWith("out"))
          .toList();
    }
  }

  private static void pack(OutputStream out, byte[] text) throws IOException {
    try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
      gzip.write(text);
    }
  }

  private static int[] ints(Path file) throws IOException {
    IntBuffer ints =
        ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer();
    int[] values = new int[ints.remaining()];
    ints.get(values);
    return values;
  }

  private static String hex(Path file) throws IOException {
    return HexFormat.of().formatHex(Files.readAllBytes(file));
  }

  private static String sha256(Path file) throws IOException, NoSuchAlgorithmException {
    byte[] hash = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file));
    return HexFormat.of().formatHex(hash);
  }
}
