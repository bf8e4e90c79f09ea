package io.tanuki4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.MemoryContract;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;

class CpuMemoryTest extends MemoryContract {
  @Override
  protected Device openDevice() {
    return new CpuBackend(2).openDevice(0);
  }

  @Test
  void root_scopes_that_close_leave_no_memory_in_the_process() {
    int rounds = 10;
    Shape shape = Shape.of(25 << 20);
    try (Device device = openDevice()) {
      long before = Pointer.physicalBytes();
      for (int i = 0; i < rounds; i++) {
        try (MemoryScope scope = device.openScope("large")) {
          device.kernels().elementwise().fill(scope.allocate(shape, DType.F32), 1);
        }
      }
      long taken = rounds * 4 * shape.numElements();
      assertThat(Pointer.physicalBytes() - before).isLessThan(taken / 4);
    }
  }

  @Test
  void tensors_beyond_two_gibibytes_are_reached_everywhere() {
    long rows = 5L << 17;
    int columns = 1 << 10;
    try (Device device = openDevice();
        MemoryScope scope = device.openScope("huge")) {
      Tensor tensor = scope.allocate(Shape.of(rows, columns), DType.F32);
      // Rows on both sides of each multiple of 1 GiB, and the last.
      for (long row : new long[] {0, 262_143, 262_144, 524_287, 524_288, rows - 1}) {
        device.kernels().elementwise().fill(tensor.rows(row, row + 1), row);
      }
      ByteBuffer bytes = ByteBuffer.allocate(2 * 4 * columns).order(ByteOrder.nativeOrder());
      for (long row : new long[] {262_143, 524_287}) {
        device.download(bytes.clear(), tensor.rows(row, row + 2));
        assertThat(bytes.getFloat(4 * columns - 4)).isEqualTo(row);
        assertThat(bytes.getFloat(4 * columns)).isEqualTo(row + 1);
      }
      device.download(bytes.clear().limit(4 * columns), tensor.rows(rows - 1, rows));
      assertThat(bytes.getFloat(4 * columns - 4)).isEqualTo(rows - 1);
    }
  }

  @Test
  void a_tensor_of_a_closed_scope_is_rejected_by_kernels() {
    try (Device device = openDevice()) {
      Tensor tensor;
      try (MemoryScope scope = device.openScope("gone")) {
        tensor = scope.allocate(Shape.of(3), DType.F32);
      }
      assertThatThrownBy(() -> device.kernels().elementwise().fill(tensor, 1))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("its scope has been closed");
    }
  }

  @Test
  void a_device_names_the_scopes_left_open() {
    Device device = openDevice();
    try (MemoryScope scope = device.openScope("weights")) {
      scope.allocate(Shape.of(3), DType.F32);
      assertThatThrownBy(device::close)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("[weights (67108864 bytes)]");
    }
  }
}
