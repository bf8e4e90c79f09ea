package io.tanuki4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.HostTensor.View;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;

class BlockViewTest {
  private static final long COUNT = 1 << 22;

  @Test
  void reads_and_writes_the_tensor_in_place() {
    try (CpuBackend backend = new CpuBackend(1);
        Device device = backend.openDevice(0);
        MemoryScope scope = device.openScope("test")) {
      Tensor whole = scope.allocate(Shape.of(4, 3), DType.F32);
      device.kernels().elementwise().fill(whole, 2);
      try (View view = device.hostView(whole.rows(1, 2)).orElseThrow()) {
        assertThat(view.bytes(4, 4).getFloat(0)).isEqualTo(2);
        view.bytes(0, 12).putFloat(0, 5);
      }
      try (View view = device.hostView(whole).orElseThrow()) {
        assertThat(view.bytes(12, 4).getFloat()).isEqualTo(5);
        assertThat(view.bytes(16, 4).getFloat()).isEqualTo(2);
      }
    }
  }

  @Test
  void keeps_the_memory_until_it_is_closed() {
    try (CpuBackend backend = new CpuBackend(1);
        Device device = backend.openDevice(0)) {
      View view;
      try (MemoryScope scope = device.openScope("test")) {
        Tensor tensor = scope.allocate(Shape.of(COUNT), DType.F64);
        device.kernels().elementwise().fill(tensor, 3);
        view = device.hostView(tensor).orElseThrow();
      }
      assertThat(view.bytes(8 * (COUNT - 1), 8).getDouble()).isEqualTo(3);
      long held = Pointer.physicalBytes();
      view.close();
      view.close();
      assertThat(held - Pointer.physicalBytes()).isGreaterThan(4 * COUNT);
    }
  }
}
