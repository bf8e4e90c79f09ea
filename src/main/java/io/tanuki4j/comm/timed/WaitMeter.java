package io.tanuki4j.comm.timed;

import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.Stopwatches;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Measures how long a rank's device waits for other ranks: from reaching a wait until continuing.
 * The host does not wait to measure, and waits that a device replays from a recording count too.
 */
public final class WaitMeter implements WaitTimer, AutoCloseable {
  /** Stopwatches; more than a rank has groups. */
  private static final int CAPACITY = 16;

  private final Stopwatches watches;
  private final List<String> groups = new ArrayList<>();

  public WaitMeter(Device device) {
    watches = device.openStopwatches(CAPACITY);
  }

  @Override
  public void measure(String group, Runnable wait) {
    int index = groups.indexOf(group);
    if (index < 0) {
      index = groups.size();
      groups.add(group);
    }
    watches.start(index);
    wait.run();
    watches.stop(index);
  }

  /** Returns the nanoseconds since the last call, by group name. Waits for the device. */
  public Map<String, Long> take() {
    long[] nanos = watches.takeNanos();
    Map<String, Long> taken = new LinkedHashMap<>();
    for (int i = 0; i < groups.size(); i++) {
      if (nanos[i] > 0) {
        taken.put(groups.get(i), nanos[i]);
      }
    }
    return taken;
  }

  @Override
  public void close() {
    watches.close();
  }
}
