package io.tanuki4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.data.Blending.Source;
import io.tanuki4j.error.UserException;
import java.util.Arrays;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BlendingTest {
  @ParameterizedTest
  @CsvSource({
    "'0.3,0.7', '1 0 1 1 0 1 1 0 1 1', '0 0 1 2 1 3 4 2 5 6'",
    "'30,70', '1 0 1 1 0 1 1 0 1 1', '0 0 1 2 1 3 4 2 5 6'",
    "'1,1,1', '0 1 2 0 1 2', '0 0 0 1 1 1'",
    "'.5,.3,.2', '0 1 2 0 1 0 2 0 1 0 0 1 2 0 1 0 2 0 1 0',"
        + " '0 0 0 1 1 2 1 3 2 4 5 3 2 6 4 7 3 8 5 9'",
  })
  void gives_megatrons_order(String weights, String datasets, String samples) {
    int[] expected = numbers(datasets);
    BlendOrder order = BlendOrder.inMemory(blending(weights, 99), expected.length);
    for (int i = 0; i < expected.length; i++) {
      assertThat(order.datasets().get(i)).as("dataset %d", i).isEqualTo(expected[i]);
      assertThat(order.samples().get(i)).as("sample %d", i).isEqualTo(numbers(samples)[i]);
    }
  }

  @Test
  void a_dataset_with_too_few_samples_is_named() {
    Blending blending = blending("0.3,0.7", 3);
    assertThatThrownBy(() -> BlendOrder.inMemory(blending, 10))
        .isInstanceOf(UserException.class)
        .hasMessage(
            "d1: sample 5 of the blend asks it for more than its 3 samples."
                + " Change the weights, or the number of samples, a little.");
  }

  private static Blending blending(String weights, long size) {
    double[] normalized =
        BlendWeights.normalized(
            DoubleStream.of(
                    Arrays.stream(weights.split(",")).mapToDouble(Double::parseDouble).toArray())
                .toArray());
    return new Blending(
        IntStream.range(0, normalized.length)
            .mapToObj(i -> new Source("d" + i, normalized[i], size))
            .toList());
  }

  private static int[] numbers(String text) {
    return Arrays.stream(text.split(" ")).mapToInt(Integer::parseInt).toArray();
  }
}
