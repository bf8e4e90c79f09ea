package io.tanuki4j.data;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SampleCountsTest {
  @Test
  void asks_as_megatron_does() {
    assertThat(SampleCounts.of(12, null, 4, 6, 2)).isEqualTo(new SampleCounts(48, 24, 8));
    assertThat(SampleCounts.of(11, null, 4, 6, 2)).isEqualTo(new SampleCounts(44, 16, 8));
    assertThat(SampleCounts.of(12, 47L, 4, 6, 2)).isEqualTo(new SampleCounts(47, 24, 8));
    assertThat(SampleCounts.of(500_000, null, 1 << 14, 1000, 0))
        .isEqualTo(new SampleCounts(8_192_000_000L, 0, 0));
  }
}
