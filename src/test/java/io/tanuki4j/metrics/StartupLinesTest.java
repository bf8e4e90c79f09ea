package io.tanuki4j.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.LocalDateTime;
import org.junit.jupiter.api.Test;

class StartupLinesTest {
  @Test
  void a_date_line_ends_with_a_blank() {
    assertThat(
            MegatronLines.dateTime(
                "after megatron is initialized", LocalDateTime.of(2025, 1, 31, 9, 4, 5)))
        .isEqualTo("[after megatron is initialized] datetime: 2025-01-31 09:04:05 ");
  }

  @Test
  void sizes_are_written_as_megatron_writes_them() {
    assertThat(StartupLines.worldSize(2, 4, 2, 1))
        .startsWith("using world size: 16, data-parallel size: 2, context-parallel size: 1, ")
        .contains("sizes: Nonetensor-model-parallel size: 2, ");
    assertThat(StartupLines.paddedVocabulary(8000, 8064))
        .isEqualTo(" > padded vocab (size: 8000) with 64 dummy tokens (new size: 8064)");
    assertThat(StartupLines.numberOfParameters(0, 0, 12))
        .isEqualTo(" > number of parameters on (tensor, pipeline) model parallel rank (0, 0): 12");
    assertThat(StartupLines.targetSizes(48, 24, 8))
        .containsExactly(
            " > datasets target sizes (minimum size):",
            "    train:      48",
            "    validation: 24",
            "    test:       8");
  }
}
