package io.tanuki4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.data.OrderSettings.Slice;
import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Token k of document i is 10 i + k; the expected orders are Megatron's. */
class GptDatasetTest {
  private static final int[] LENGTHS = {5, 3, 8, 1, 4, 7};

  @TempDir private Path dir;

  @BeforeEach
  void write() {
    TestData.write(
        dir.resolve("c"),
        IntStream.range(0, LENGTHS.length)
            .mapToObj(i -> IntStream.range(10 * i, 10 * i + LENGTHS[i]).toArray())
            .toArray(int[][]::new));
  }

  @ParameterizedTest
  @CsvSource({
    "6, '2 1 5 0 4 3', '0 0 0 4 1 0 2 1 2 5 3 2 4 1', '0 4 3 2 5 1'",
    "8, '2 1 5 0 4 3 0 4 3 2 5 1',"
        + " '0 0 0 4 1 0 2 1 2 5 3 2 4 1 6 0 6 4 7 3 9 2 9 6 10 2 10 6',"
        + " '1 0 3 2 5 4 8 9 11 7 10 12 6'",
    "10, '1 2 5 2 3 4 1 0 4 5 0 3',"
        + " '0 0 1 1 1 5 2 1 2 5 3 2 3 6 5 1 6 1 7 2 8 1 9 1 9 5 10 2',"
        + " '7 11 2 3 1 9 5 4 0 8 6 10 12'",
  })
  void the_indices_are_megatrons(long samples, String documents, String rows, String shuffle) {
    build(samples, 512).close();
    assertThat(array("document_index.npy", NpyType.INT32, 1)).isEqualTo(documents);
    assertThat(array("sample_index.npy", NpyType.INT32, 2)).isEqualTo(rows);
    assertThat(array("shuffle_index.npy", NpyType.UINT32, 1)).isEqualTo(shuffle);
  }

  @Test
  void the_samples_are_megatrons() {
    try (GptDataset data = build(6, 512)) {
      assertThat(data.size()).isEqualTo(6);
      assertThat(data.sample(0)).containsExactly(20, 21, 22, 23, 24);
      assertThat(data.sample(1)).containsExactly(55, 56, 0, 1, 2);
      assertThat(data.sample(2)).containsExactly(51, 52, 53, 54, 55);
    }
    try (GptDataset data = build(10, 512)) {
      assertThat(data.sample(0)).containsExactly(41, 42, 43, 10, 11);
    }
  }

  @Test
  void samples_in_order_of_rows_overlap_by_one_token_and_miss_none() {
    try (GptDataset data = build(10, 512)) {
      int[] shuffle = numbers(array("shuffle_index.npy", NpyType.UINT32, 1));
      int[] documents = numbers(array("document_index.npy", NpyType.INT32, 1));
      int[] joined =
          Arrays.stream(documents)
              .flatMap(i -> IntStream.range(10 * i, 10 * i + LENGTHS[i]))
              .toArray();
      for (int k = 0; k < shuffle.length; k++) {
        int from = shuffle[k] * 4;
        assertThat(data.sample(k)).isEqualTo(Arrays.copyOfRange(joined, from, from + 5));
      }
    }
  }

  @Test
  void documents_without_tokens_change_nothing_but_their_numbers() {
    TestData.write(dir.resolve("c"), new int[0], new int[] {1, 2, 3}, new int[0], new int[] {4, 5});
    try (GptDataset data =
        GptDataset.build(corpus(), slice(0, 4, 1L), settings(512), CacheWork.ofHalfTheHeap())) {
      assertThat(data.size()).isEqualTo(1);
      assertThat(data.sample(0)).hasSize(5).containsExactlyInAnyOrder(1, 2, 3, 4, 5);
    }
  }

  @Test
  void a_cache_is_named_by_megatrons_digest() throws IOException {
    Map<String, Object> tokenizer = new LinkedHashMap<>();
    tokenizer.put("class", "_SentencePieceTokenizer");
    tokenizer.put("tokenizer_path", List.of("tok.model"));
    tokenizer.put("vocab_extra_ids", "0");
    OrderSettings settings = new OrderSettings(1234, 4, "998,1,1", tokenizer, 512, dir);
    Slice slice = new Slice("data/ja_wiki_text_document", Split.TRAIN, 0, 6, 6L);
    GptDataset.build(corpus(), slice, settings, CacheWork.ofHalfTheHeap()).close();
    Path description =
        dir.resolve("f5dd5d78342e3c4308b38b1e3e735564-GPTDataset-train-description.txt");
    assertThat(description).hasSize(564);
    assertThat(Files.readString(description)).endsWith("\"vocab_extra_ids\": \"0\"\n    }\n}");
  }

  @Test
  void a_cache_lies_beside_the_corpus_by_default() {
    OrderSettings settings = new OrderSettings(1234, 4, "1", Map.of(), 512, null);
    GptDataset.build(corpus(), slice(0, 6, 6L), settings, CacheWork.ofHalfTheHeap()).close();
    assertThat(dir.resolve("c").resolve("cache").resolve("GPTDataset_indices"))
        .isDirectoryContaining("glob:**-GPTDataset-train-shuffle_index.npy");
  }

  @Test
  void a_folder_that_cannot_be_written_is_named() throws IOException {
    Files.createFile(dir.resolve("file"));
    OrderSettings settings =
        new OrderSettings(1234, 4, "1", Map.of(), 512, dir.resolve("file").resolve("cache"));
    assertThatThrownBy(
            () -> GptDataset.build(corpus(), slice(0, 6, 6L), settings, CacheWork.ofHalfTheHeap()))
        .isInstanceOf(UserException.class)
        .hasMessageStartingWith(
            settings.cacheDir() + ": the sample order cannot be written there (")
        .hasMessageEndingWith("Give a writable folder with room by --data-cache-path.");
  }

  @Test
  void too_few_tokens_are_refused() {
    assertThatThrownBy(
            () ->
                GptDataset.build(
                    corpus(), slice(2, 2, 6L), settings(512), CacheWork.ofHalfTheHeap()))
        .isInstanceOf(UserException.class)
        .hasMessage(
            dir.resolve("c")
                + " (train): 0 tokens in 0 documents (expected: at least 1 to give 6 samples)."
                + " Use more data or give this split a larger share.");
    assertThatThrownBy(
            () ->
                GptDataset.build(
                    corpus(), slice(3, 4, null), settings(512), CacheWork.ofHalfTheHeap()))
        .hasMessageContaining("1 tokens in 1 documents (expected: at least 5 to give any samples)");
  }

  @Test
  void a_token_outside_the_vocabulary_is_named() {
    try (GptDataset data = build(6, 55)) {
      assertThat(data.sample(0)).hasSize(5);
      assertThatThrownBy(() -> data.sample(1))
          .isInstanceOf(UserException.class)
          .hasMessage(
              dir.resolve("c")
                  + " (train): sample 1 holds token 55 (expected: 0 to 54, the vocabulary)."
                  + " Preprocess the data with the tokenizer of this run.");
    }
  }

  @Test
  void a_cache_of_an_older_corpus_is_refused() {
    build(6, 512).close();
    TestData.write(dir.resolve("c"), new int[28]);
    assertThatThrownBy(
            () ->
                GptDataset.build(
                    corpus(), slice(0, 1, 6L), settings(512), CacheWork.ofHalfTheHeap()))
        .isInstanceOf(UserException.class)
        .hasMessageStartingWith(file("document_index.npy").toString())
        .hasMessageContaining("6 rows (expected: 1 for the data as they are now)")
        .hasMessageEndingWith("delete it, and it is built again.");
  }

  @ParameterizedTest
  @CsvSource({
    "document_index.npy, 0, 6",
    "document_index.npy, 1, -1",
    "sample_index.npy, 0, -1",
    "sample_index.npy, 1, -1",
    "sample_index.npy, 1, 3",
    "sample_index.npy, 2, 6",
    "sample_index.npy, 3, 9",
    "sample_index.npy, 3, 3",
    "shuffle_index.npy, 0, 6",
  })
  void a_place_outside_the_corpus_is_named(String name, int element, int value) throws IOException {
    build(6, 512).close();
    edit(name, element, value);
    Files.delete(file("checksums.txt")); // As if Megatron had written the cache.
    try (GptDataset data = build(6, 512)) {
      assertThatThrownBy(() -> IntStream.range(0, 6).forEach(data::sample))
          .isInstanceOf(UserException.class)
          .hasMessageStartingWith(dir.resolve("c") + " (train): the place of sample ")
          .hasMessageContaining("is damaged or of other data; delete it");
    }
  }

  @ParameterizedTest
  @CsvSource({"document_index.npy, 0, 5", "sample_index.npy, 3, 2", "shuffle_index.npy, 0, 1"})
  void a_cache_with_other_numbers_than_were_written_is_refused(String name, int element, int value)
      throws IOException {
    build(6, 512).close();
    edit(name, element, value);
    assertThatThrownBy(() -> build(6, 512))
        .isInstanceOf(UserException.class)
        .hasMessageStartingWith(file(name) + ": its bytes are not those that ")
        .hasMessageEndingWith("Delete it, and it is built again.");
    Files.delete(file(name));
    try (GptDataset rebuilt = build(6, 512)) {
      assertThat(rebuilt.sample(0)).containsExactly(20, 21, 22, 23, 24);
    }
  }

  @ParameterizedTest
  @CsvSource({"c.bin, true", "c.bin, false", "c.idx, true"})
  void a_file_that_is_cut_while_it_is_read_is_named(String name, boolean mapped)
      throws IOException {
    TestData.write(dir.resolve("c"), IntStream.range(0, 20_000).map(i -> i % 500).toArray());
    IndexedDataset corpus = IndexedDataset.open(dir.resolve("c"), mapped);
    try (GptDataset data =
        GptDataset.build(corpus, slice(0, 1, 5000L), settings(512), CacheWork.ofHalfTheHeap())) {
      data.sample(0);
      try (FileChannel file = FileChannel.open(dir.resolve(name), StandardOpenOption.WRITE)) {
        file.truncate(20);
      }
      assertThatThrownBy(() -> IntStream.range(1, 5000).forEach(data::sample))
          .isInstanceOf(UserException.class)
          .hasMessageStartingWith(dir.resolve(name) + ": 20 bytes (expected: ")
          .hasMessageContaining("it was cut while it was read. Restore it");
    }
  }

  private void edit(String name, int element, int value) throws IOException {
    byte[] bytes = Files.readAllBytes(file(name));
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(128 + 4 * element, value);
    Files.write(file(name), bytes);
  }

  private GptDataset build(long numSamples, int vocabSize) {
    return GptDataset.build(
        corpus(), slice(0, 6, numSamples), settings(vocabSize), CacheWork.ofHalfTheHeap());
  }

  private OrderSettings settings(int vocabSize) {
    return new OrderSettings(1234, 4, "1", Map.of(), vocabSize, dir);
  }

  private Slice slice(int from, int to, @Nullable Long numSamples) {
    return new Slice(dir.resolve("c").toString(), Split.TRAIN, from, to, numSamples);
  }

  private IndexedDataset corpus() {
    return IndexedDataset.open(dir.resolve("c"), true);
  }

  private Path file(String suffix) {
    try (Stream<Path> files = Files.list(dir)) {
      return files.filter(path -> path.toString().endsWith(suffix)).findFirst().orElseThrow();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private String array(String name, NpyType type, int columns) {
    NpyArray array = NpyArray.read(file(name), Set.of(type), columns);
    return LongStream.range(0, array.rows() * columns)
        .mapToObj(i -> Long.toString(array.get(i)))
        .collect(Collectors.joining(" "));
  }

  private static int[] numbers(String text) {
    return Arrays.stream(text.split(" ")).mapToInt(Integer::parseInt).toArray();
  }
}
