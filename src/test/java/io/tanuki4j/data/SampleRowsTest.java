package io.tanuki4j.data;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.data.OrderSettings.Slice;
import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Cuts orders that have many parts, and compares the rows with those of a loop over tokens. */
class SampleRowsTest {
  @TempDir private Path dir;

  /** Also with many documents of no tokens, at the start and at the borders of parts. */
  @ParameterizedTest
  @CsvSource({
    "1, 5, 0, 1",
    "131072, 3, 0, 7",
    "131073, 3, 0, 2",
    "300000, 9, 140000, 16",
    "600000, 9, 0, 64",
    "600000, 2, 599000, 3",
    "140000, 300, 0, 2048"
  })
  void the_rows_are_those_of_a_loop(int size, int maxLength, int numEmpty, int seqLength)
      throws IOException {
    Random random = new Random(size);
    int[] lengths = new int[size];
    Arrays.setAll(lengths, i -> i < numEmpty ? 0 : 1 + random.nextInt(maxLength));
    for (int border = 131_072; border < size; border += 131_072) {
      Arrays.fill(lengths, border - 3, Math.min(size, border + 3), 0);
    }
    int[] order = IntStream.range(0, size).toArray();
    long tokens = Arrays.stream(lengths).asLongStream().sum();
    long samples = (tokens - 1) / seqLength;
    Path file = dir.resolve("rows.npy");
    try (NpyWriter writer =
        new NpyWriter(file, NpyType.INT32, "(%d, 2)".formatted(samples + 1), new Checksums())) {
      new SampleRows(new Lengths(lengths), order, seqLength, samples).write(writer);
      writer.finish();
    }
    NpyArray rows = NpyArray.read(file, Set.of(NpyType.INT32), 2);
    int[] expected = rows(lengths, seqLength, (int) samples);
    int[] actual = IntStream.range(0, expected.length).map(i -> (int) rows.get(i)).toArray();
    assertThat(actual).isEqualTo(expected);
  }

  @Test
  void the_order_is_the_same_where_the_heap_has_room_for_one_array_only() {
    int[] lengths = new int[200_000];
    Arrays.setAll(lengths, i -> i % 7);
    OrderSettings together = new OrderSettings(1, 3, "1", Map.of(), 9, dir.resolve("together"));
    OrderSettings inTurn = new OrderSettings(1, 3, "1", Map.of(), 9, dir.resolve("in turn"));
    Slice slice = new Slice("c", Split.TRAIN, 0, lengths.length, 450_000L);
    Corpus corpus = new Lengths(lengths);
    GptDataset.build(corpus, slice, together, new CacheWork(1 << 28)).close();
    GptDataset.build(corpus, slice, inTurn, new CacheWork(0)).close();
    for (Path file : files(dir.resolve("together"))) {
      assertThat(dir.resolve("in turn").resolve(file.getFileName())).hasSameBinaryContentAs(file);
    }
    assertThat(files(dir.resolve("in turn"))).hasSize(5);
  }

  private static List<Path> files(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return files.toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns the rows, by walking from sample to sample. */
  private static int[] rows(int[] lengths, int seqLength, int samples) {
    int[] rows = new int[2 * samples + 2];
    int document = 0;
    int offset = 0;
    for (int sample = 1; sample <= samples; sample++) {
      int missing = seqLength;
      while (lengths[document] - offset <= missing) {
        missing -= lengths[document++] - offset;
        offset = 0;
      }
      offset += missing;
      rows[2 * sample] = document;
      rows[2 * sample + 1] = offset;
    }
    return rows;
  }

  /** Documents of which only the lengths matter. */
  private static final class Lengths implements Corpus {
    private final int[] lengths;

    Lengths(int[] lengths) {
      this.lengths = lengths;
    }

    @Override
    public int numSequences() {
      return lengths.length;
    }

    @Override
    public int length(int sequence) {
      return lengths[sequence];
    }

    @Override
    public long numTokens(int from, int to) {
      return Arrays.stream(lengths, from, to).asLongStream().sum();
    }

    @Override
    public void lengths(int[] numbers, int from, int count, int[] into) {
      Arrays.setAll(into, i -> i < count ? lengths[numbers[from + i]] : -1);
    }

    @Override
    public void read(int sequence, int from, int count, int[] into, int at) {
      throw new AssertionError("no tokens are needed");
    }

    @Override
    public void requireWhole() {}

    @Override
    public UserException unreadable(InternalError cause) {
      throw cause;
    }

    @Override
    public void close() {}
  }
}
