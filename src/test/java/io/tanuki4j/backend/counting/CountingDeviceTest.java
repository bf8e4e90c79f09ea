package io.tanuki4j.backend.counting;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

class CountingDeviceTest {
  private final CountingDevice device = new CountingDevice();

  @Test
  void the_peak_is_the_highest_of_the_stack_in_steps_of_512_bytes() {
    MemoryScope scope = device.openScope("s");
    scope.allocate(Shape.of(1), DType.F32);
    try (MemoryScope child = scope.child("c")) {
      child.allocate(Shape.of(129), DType.F32);
    }
    scope.allocate(Shape.of(2), DType.BF16);
    assertThat(scope.bytesInUse()).isEqualTo(1024);
    assertThat(device.peakBytes("s")).isEqualTo(512 + 1024);
    scope.close();
    assertThat(device.bytesInUse()).isZero();
  }

  @Test
  void operations_do_nothing_and_downloads_leave_zeros() {
    MemoryScope scope = device.openScope("s");
    Tensor tensor = scope.allocate(Shape.of(2), DType.F32);
    device.kernels().elementwise().fill(tensor, 1);
    ByteBuffer host = ByteBuffer.allocate(8).putInt(0, 7);
    device.download(host, tensor);
    assertThat(host.getInt(0)).isZero();
    assertThat(host.hasRemaining()).isFalse();
  }
}
