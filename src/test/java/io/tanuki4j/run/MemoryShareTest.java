package io.tanuki4j.run;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MemoryShareTest {
  @ParameterizedTest
  @CsvSource({
    "16g, 4, 4294967296",
    "1000m, 2, 524288000",
    "8GB, 2, 4294967296",
    "1000000, 3, 333333",
    "0, 4, 0",
    "half, 2, half",
  })
  void a_rank_gets_its_part_of_the_machines_limit(String limit, int numRanks, String share) {
    assertThat(MemoryShare.of(limit, numRanks)).isEqualTo(share);
  }
}
