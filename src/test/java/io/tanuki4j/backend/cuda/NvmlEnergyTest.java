package io.tanuki4j.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.concurrent.TimeUnit;
import java.util.function.DoubleSupplier;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("gpu")
class NvmlEnergyTest {
  /** No data-center or consumer card draws more or less while it works. */
  private static final double MIN_WATTS = 10;

  private static final double MAX_WATTS = 2000;

  @Test
  void a_busy_second_costs_a_plausible_energy() {
    try (Device device = TestGpu.open();
        MemoryScope scope = device.openScope("energy")) {
      Tensor x = scope.allocate(Shape.of(64 << 20), DType.F32);
      DoubleSupplier counter = device.energyCounter();
      double before = counter.getAsDouble();
      long start = System.nanoTime();
      while (System.nanoTime() - start < TimeUnit.SECONDS.toNanos(1)) {
        device.kernels().elementwise().fill(x, 1);
        device.synchronize();
      }
      double seconds = (System.nanoTime() - start) / 1e9;
      assertThat((counter.getAsDouble() - before) / seconds).isBetween(MIN_WATTS, MAX_WATTS);
    }
  }
}
