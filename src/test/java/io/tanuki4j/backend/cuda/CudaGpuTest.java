package io.tanuki4j.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CudaGpuTest {
  @ParameterizedTest
  @CsvSource({"8, 0, false", "8, 6, false", "8, 9, true", "9, 0, true", "12, 0, true"})
  void numbers_of_eight_bits_need_compute_capability_8_9(int major, int minor, boolean has) {
    assertThat(new CudaGpu(0, "GPU", major, minor, 1, 1).capability().hasFp8()).isEqualTo(has);
  }
}
