package io.tanuki4j.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Times of a device's work. */
public abstract class TimerContract {
  /** More than caches hold; copied in 5 µs or more by any memory of 12 TB/s or less. */
  private static final Shape LARGE = Shape.of(8 << 20);

  private static final int COPIES = 20;
  private static final double LEAST_MILLIS = 0.005;
  private static final double NANOS_PER_MILLI = 1e6;

  /** Events of GPUs count half microseconds. */
  private static final double RESOLUTION_MILLIS = 0.002;

  private Device device;
  private MemoryScope scope;
  private DeviceTimer timer;
  private Stopwatches watches;
  private Tensor from;
  private Tensor to;

  protected abstract Device openDevice();

  @BeforeEach
  void open() {
    device = openDevice();
    scope = device.openScope("test");
    timer = device.openTimer(3);
    watches = device.openStopwatches(2);
    from = scope.allocate(LARGE, DType.F32);
    to = scope.allocate(LARGE, DType.F32);
    device.kernels().elementwise().fill(from, 1);
    device.kernels().elementwise().copy(to, from);
    device.synchronize();
  }

  @AfterEach
  void close() {
    watches.close();
    timer.close();
    scope.close();
    device.close();
  }

  @Test
  void times_are_those_of_the_work_and_add_up() {
    timer.mark(0);
    device.kernels().elementwise().copy(to, from);
    timer.mark(1);
    copyOften();
    timer.mark(2);
    double once = timer.millisBetween(0, 1);
    double often = timer.millisBetween(1, 2);
    assertThat(once).isGreaterThan(LEAST_MILLIS);
    assertThat(often).isGreaterThan(COPIES * LEAST_MILLIS);
    assertThat(timer.millisBetween(0, 2)).isCloseTo(once + often, within(RESOLUTION_MILLIS));
  }

  @Test
  void a_mark_can_be_set_anew() {
    timer.mark(0);
    copyOften();
    timer.mark(1);
    double whole = timer.millisBetween(0, 1);
    timer.mark(0);
    timer.mark(1);
    assertThat(timer.millisBetween(0, 1)).isBetween(0.0, whole);
  }

  @Test
  void a_stopwatch_sums_its_times_until_they_are_taken() {
    for (int i = 0; i < 2; i++) {
      watches.start(1);
      copyOften();
      watches.stop(1);
    }
    long[] nanos = watches.takeNanos();
    assertThat(nanos[0]).isZero();
    assertThat(nanos[1] / NANOS_PER_MILLI).isGreaterThan(2 * COPIES * LEAST_MILLIS);
    assertThat(watches.takeNanos()).containsOnly(0);
  }

  @Test
  void a_stopwatch_counts_each_replay_of_a_recording() {
    Runnable work =
        () -> {
          watches.start(0);
          copyOften();
          watches.stop(0);
        };
    work.run();
    try (Replay replay = device.record(work)) {
      long once = watches.takeNanos()[0];
      timer.mark(0);
      replay.run();
      replay.run();
      replay.run();
      timer.mark(1);
      double millis = timer.millisBetween(0, 1);
      double counted = watches.takeNanos()[0] / NANOS_PER_MILLI;
      assertThat(once).isPositive();
      assertThat(counted).isBetween(3 * COPIES * LEAST_MILLIS, millis + RESOLUTION_MILLIS);
    }
  }

  private void copyOften() {
    for (int i = 0; i < COPIES; i++) {
      device.kernels().elementwise().copy(to, from);
    }
  }
}
