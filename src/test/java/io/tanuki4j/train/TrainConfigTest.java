package io.tanuki4j.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.train.TrainConfig.Rampup;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TrainConfigTest {
  /** Megatron's {@code --rampup-batch-size 16 8 300000} up to 1024. */
  @ParameterizedTest
  @CsvSource({
    "0, 16",
    "2380, 16",
    "2381, 24",
    "2400, 24",
    "150000, 520",
    "299999, 1016",
    "300000, 1024",
    "300001, 1024",
  })
  void the_batch_grows_as_megatrons(long consumed, int expected) {
    assertThat(new Rampup(16, 8, 300000).batchSize(consumed, 1024)).isEqualTo(expected);
  }
}
