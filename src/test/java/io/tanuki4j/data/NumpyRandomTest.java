package io.tanuki4j.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Expected values are numpy's. */
class NumpyRandomTest {
  @Test
  void gives_the_words_of_mt19937() {
    NumpyRandom random = new NumpyRandom(1234);
    assertThat(IntStream.range(0, 5).mapToLong(i -> Integer.toUnsignedLong(random.nextBits())))
        .containsExactly(822569775L, 2137449171L, 2671936806L, 3512589365L, 1880026316L);
  }

  @Test
  void shuffles_as_numpy_does_once_and_again() {
    NumpyRandom random = new NumpyRandom(1234);
    assertThat(shuffled(random, 10)).containsExactly(7, 2, 9, 1, 0, 8, 4, 5, 6, 3);
    assertThat(shuffled(random, 10)).containsExactly(7, 3, 5, 1, 4, 8, 0, 2, 6, 9);
    assertThat(shuffled(new NumpyRandom(1234), 5)).containsExactly(4, 0, 1, 2, 3);
    assertThat(shuffled(new NumpyRandom(42), 8)).containsExactly(1, 5, 0, 7, 2, 4, 3, 6);
  }

  /** Draws come in blocks of 4,096; the second shuffle goes on with the generator of the first. */
  @ParameterizedTest
  @CsvSource({
    "1234, 0, 4097, 17246709941",
    "1234, 0, 100000, 249814377431287",
    "5, 4098, 100003, 249982466605391",
    "42, 65536, 1000000, 249911055871861774"
  })
  void shuffles_many_as_numpy_does(int seed, int before, int size, long sum) {
    NumpyRandom random = new NumpyRandom(seed);
    shuffled(random, before);
    int[] values = shuffled(random, size);
    assertThat(IntStream.range(0, size).mapToLong(i -> (i + 1L) * values[i]).sum()).isEqualTo(sum);
    NumpyRandom skipping = new NumpyRandom(seed);
    skipping.skipShuffle(before);
    assertThat(shuffled(skipping, size)).isEqualTo(values);
    skipping.skipShuffle(size);
    shuffled(random, size);
    assertThat(skipping.nextBits()).isEqualTo(random.nextBits());
  }

  @Test
  void shuffles_a_part_as_an_array_of_its_own() {
    int[] values = IntStream.range(0, 12).toArray();
    new NumpyRandom(42).shuffle(values, 2, 10);
    assertThat(values).containsExactly(0, 1, 3, 7, 2, 9, 4, 6, 5, 8, 10, 11);
  }

  /** The expected values are PyTorch's: tools/reference/cyclic_orders.py prints them. */
  @ParameterizedTest
  @CsvSource({
    "0, 7, 84",
    "1, 7, 92",
    "5, 31, 7654",
    "1, 624, 59761513",
    "0, 700, 85766062",
    "5, 100000, 250053928698506",
    "123456, 1000000, 249878481825070780"
  })
  void permutes_as_pytorch_does(int seed, int size, long sum) {
    int[] values = new NumpyRandom(seed).torchPermutation(size);
    assertThat(IntStream.range(0, size).mapToLong(i -> (i + 1L) * values[i]).sum()).isEqualTo(sum);
  }

  @Test
  void the_first_permutation_of_pytorch() {
    assertThat(new NumpyRandom(0).torchPermutation(7)).containsExactly(4, 0, 5, 3, 2, 6, 1);
  }

  @Test
  void draws_nothing_for_one_element_or_none() {
    NumpyRandom random = new NumpyRandom(1234);
    random.shuffle(new int[1], 0, 1);
    random.shuffle(new int[1], 1, 1);
    assertThat(random.nextBits()).isEqualTo(822569775);
  }

  private static int[] shuffled(NumpyRandom random, int n) {
    int[] values = IntStream.range(0, n).toArray();
    random.shuffle(values, 0, n);
    return values;
  }
}
