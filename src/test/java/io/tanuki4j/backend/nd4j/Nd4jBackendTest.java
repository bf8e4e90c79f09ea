package io.tanuki4j.backend.nd4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.kernel.Device;
import org.junit.jupiter.api.Test;

class Nd4jBackendTest {
  @Test
  void says_what_it_is() {
    try (Nd4jBackend backend = new Nd4jBackend(3);
        Device device = backend.openDevice(0)) {
      assertThat(backend.name()).isEqualTo("nd4j");
      assertThat(backend.deviceCount()).isEqualTo(1);
      assertThat(device.info().name()).contains("3 threads");
      assertThat(device.info().memoryBytes()).isGreaterThan(1L << 30);
    }
  }

  @Test
  void rejects_a_device_or_a_number_of_threads_there_is_not() {
    assertThatThrownBy(() -> new Nd4jBackend(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("threads of the nd4j backend: 0 (expected: 1 or more)");
    assertThatThrownBy(() -> new Nd4jBackend().openDevice(1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("device of the nd4j backend: 1 (expected: 0, the CPU)");
  }
}
