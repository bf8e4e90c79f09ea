package io.tanuki4j.kernel.profile;

import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.DeviceTimer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Times calls between a start and a stop. */
final class CallRecorder implements AutoCloseable {
  /** Calls between two readings, which wait for the device. */
  private static final int CAPACITY = 1024;

  /** The mark of the start, behind two for each call. */
  private static final int START = 2 * CAPACITY;

  private final Device device;
  private final List<KernelCall> pending = new ArrayList<>(CAPACITY);
  private TimedCalls calls = (call, startMillis, millis) -> {};
  private @Nullable DeviceTimer timer;

  CallRecorder(Device device) {
    this.device = device;
  }

  boolean isOn() {
    return timer != null;
  }

  /**
   * Starts recording, from the work that the device does next.
   *
   * @param receiver gets the calls, some time later
   */
  void start(TimedCalls receiver) {
    if (timer != null) {
      throw new IllegalStateException("a profile is started while another one runs");
    }
    calls = receiver;
    timer = device.openTimer(START + 1);
    timer.mark(START);
  }

  /** Stops recording, when the receiver has got all calls. */
  void stop() {
    if (timer == null) {
      throw new IllegalStateException("a profile is stopped that was not started");
    }
    read(timer);
    close();
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
      double start = marks.millisBetween(START, 2 * i);
      calls.add(pending.get(i), start, marks.millisBetween(2 * i, 2 * i + 1));
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
