package io.tanuki4j.kernel.profile;

import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.DeviceTimer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Times calls between a start and a stop, and adds up those of the same kind. */
final class CallRecorder implements AutoCloseable {
  /** Calls between two readings, which wait for the device. */
  private static final int CAPACITY = 1024;

  private final Device device;
  private final List<KernelCall> pending = new ArrayList<>(CAPACITY);
  private final Map<KernelCall, Total> totals = new LinkedHashMap<>();
  private @Nullable DeviceTimer timer;

  CallRecorder(Device device) {
    this.device = device;
  }

  private record Total(long calls, double millis) {
    static final Total NONE = new Total(0, 0);

    Total plus(double more) {
      return new Total(calls + 1, millis + more);
    }
  }

  boolean isOn() {
    return timer != null;
  }

  void start() {
    if (timer != null) {
      throw new IllegalStateException("a profile is started while another one runs");
    }
    totals.clear();
    timer = device.openTimer(2 * CAPACITY);
  }

  /**
   * Stops recording and returns the calls since the start, in the order of their first occurrence.
   */
  List<KernelProfile.Row> stop() {
    if (timer == null) {
      throw new IllegalStateException("a profile is stopped that was not started");
    }
    read(timer);
    close();
    List<KernelProfile.Row> rows = new ArrayList<>();
    totals.forEach(
        (call, total) -> rows.add(new KernelProfile.Row(call, total.calls, total.millis)));
    return rows;
  }

  /** Does the work, and times it if recording is on. */
  void time(Supplier<KernelCall> call, Runnable work) {
    if (timer == null) {
      work.run();
      return;
    }
    if (pending.size() == CAPACITY) {
      read(timer);
    }
    int mark = 2 * pending.size();
    pending.add(call.get());
    timer.mark(mark);
    work.run();
    timer.mark(mark + 1);
  }

  private void read(DeviceTimer marks) {
    for (int i = 0; i < pending.size(); i++) {
      double millis = marks.millisBetween(2 * i, 2 * i + 1);
      totals.put(pending.get(i), totals.getOrDefault(pending.get(i), Total.NONE).plus(millis));
    }
    pending.clear();
  }

  /** Ends a recording and drops its times. */
  @Override
  public void close() {
    if (timer != null) {
      timer.close();
      timer = null;
    }
    pending.clear();
  }
}
