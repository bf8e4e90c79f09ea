package io.tanuki4j.parallel.pipeline;

import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.Replay;
import org.jspecify.annotations.Nullable;

/**
 * Work that is done again and again at the same addresses: operation by operation the first time,
 * then the device records it, and replays it from then on.
 */
final class RepeatedWork implements AutoCloseable {
  private final Device device;
  private final Runnable work;
  private boolean ranOnce;
  private @Nullable Replay replay;

  RepeatedWork(Device device, Runnable work) {
    this.device = device;
    this.work = work;
  }

  void run() {
    if (!ranOnce) {
      work.run();
      ranOnce = true;
      return;
    }
    if (replay == null) {
      replay = device.record(work);
    }
    replay.run();
  }

  @Override
  public void close() {
    if (replay != null) {
      replay.close();
    }
  }
}
