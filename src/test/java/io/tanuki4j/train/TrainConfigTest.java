package io.tanuki4j.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.train.TrainConfig.Rampup;
import io.tanuki4j.train.TrainConfig.Step;
import io.tanuki4j.train.TrainConfig.Steps;
import java.util.List;
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

  /** {@code --step-batch-size-schedule} of Megatron's GPT-3 example, in sequences of 2048. */
  @ParameterizedTest
  @CsvSource({
    "0, 16",
    "1171874, 16",
    "1171875, 320",
    "3515625, 928",
    "5859374, 1232",
    "5859375, 1536",
    "61035156, 1536",
  })
  void the_batch_steps_as_megatrons(long consumed, int expected) {
    Steps steps =
        new Steps(
            List.of(
                new Step(0, 16),
                new Step(1171875, 320),
                new Step(2343750, 624),
                new Step(3515625, 928),
                new Step(4687500, 1232),
                new Step(5859375, 1536)));
    assertThat(steps.batchSize(consumed, 1536)).isEqualTo(expected);
    assertThat(steps.samples()).isEqualTo(5859375);
  }
}
