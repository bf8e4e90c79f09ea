package io.tanuki4j.comm.timed;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.backend.cpu.CpuBackend;
import io.tanuki4j.kernel.Backend;
import io.tanuki4j.kernel.Device;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

class WaitMeterTest {
  private static final long MILLI = TimeUnit.MILLISECONDS.toNanos(1);

  @Test
  void waits_are_summed_by_group_and_taken_once() {
    try (Backend backend = new CpuBackend(1);
        Device device = backend.openDevice(0);
        WaitMeter meter = new WaitMeter(device)) {
      for (int i = 0; i < 1500; i++) { // more than it keeps marks for
        meter.measure("tp", () -> {});
      }
      meter.measure("dp", () -> sleep(20 * MILLI));
      meter.measure("dp", () -> sleep(10 * MILLI));

      assertThat(meter.take())
          .containsOnlyKeys("tp", "dp")
          .hasEntrySatisfying("dp", nanos -> assertThat(nanos).isGreaterThan(29 * MILLI));
      assertThat(meter.take()).isEmpty();
    }
  }

  private static void sleep(long nanos) {
    long end = System.nanoTime() + nanos;
    while (System.nanoTime() < end) {
      LockSupport.parkNanos(end - System.nanoTime());
    }
  }
}
