package io.tanuki4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.kernel.Device;
import org.junit.jupiter.api.Test;

class CpuBackendTest {
  @Test
  void says_what_it_is() {
    try (CpuBackend backend = new CpuBackend(3);
        Device device = backend.openDevice(0)) {
      assertThat(backend.name()).isEqualTo("cpu");
      assertThat(backend.deviceCount()).isEqualTo(1);
      assertThat(device.info().name()).contains("3 threads");
      assertThat(device.info().memoryBytes()).isGreaterThan(1L << 30);
    }
  }

  @Test
  void rejects_a_device_or_a_number_of_threads_there_is_not() {
    assertThatThrownBy(() -> new CpuBackend(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("threads of the cpu backend: 0 (expected: 1 or more)");
    assertThatThrownBy(() -> new CpuBackend().openDevice(1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("device of the cpu backend: 1 (expected: 0, the CPU)");
  }
}
