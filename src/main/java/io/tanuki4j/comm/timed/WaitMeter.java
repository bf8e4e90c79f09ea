package io.tanuki4j.comm.timed;

import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.DeviceTimer;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Measures how long a rank's device waits for other ranks: from reaching a wait until continuing.
 * On a GPU both are marks in its queue, so the host does not wait to measure. Waits that a device
 * replays from a recording are not measured.
 */
public final class WaitMeter implements WaitTimer, AutoCloseable {
  /** The most waits between two readings of the marks. */
  private static final int CAPACITY = 1024;

  private static final double NANOS_PER_MILLI = 1e6;

  private final DeviceTimer timer;
  private final String[] groups = new String[CAPACITY];
  private final Map<String, Long> nanos = new LinkedHashMap<>();
  private int size;

  public WaitMeter(Device device) {
    timer = device.openTimer(2 * CAPACITY);
  }

  @Override
  public void measure(String group, Runnable wait) {
    if (size == CAPACITY) {
      read();
    }
    timer.mark(2 * size);
    wait.run();
    timer.mark(2 * size + 1);
    groups[size] = group;
    size++;
  }

  /** Returns the nanoseconds since the last call, by group name. Waits for the device. */
  public Map<String, Long> take() {
    read();
    Map<String, Long> taken = Map.copyOf(nanos);
    nanos.clear();
    return taken;
  }

  private void read() {
    for (int i = 0; i < size; i++) {
      double millis = timer.millisBetween(2 * i, 2 * i + 1);
      nanos.merge(groups[i], Math.round(millis * NANOS_PER_MILLI), Long::sum);
    }
    size = 0;
  }

  @Override
  public void close() {
    timer.close();
  }
}
