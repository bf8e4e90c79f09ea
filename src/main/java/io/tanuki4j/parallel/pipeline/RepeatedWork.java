package io.tanuki4j.parallel.pipeline;

import io.tanuki4j.kernel.Replay;
import org.jspecify.annotations.Nullable;

/**
 * Work that is done again and again at the same addresses: operation by operation the first time,
 * then it is recorded, and replayed from then on.
 */
final class RepeatedWork implements AutoCloseable {
  private final Recorder recorder;
  private final Runnable work;
  private boolean ranOnce;
  private @Nullable Replay replay;

  /** What records work: {@code Device.record}. */
  @FunctionalInterface
  interface Recorder {
    /** Does the work anew each time. */
    Recorder NONE = Again::new;

    Replay record(Runnable work);
  }

  private record Again(Runnable work) implements Replay {
    @Override
    public void run() {
      work.run();
    }

    @Override
    public void close() {}
  }

  RepeatedWork(Recorder recorder, Runnable work) {
    this.recorder = recorder;
    this.work = work;
  }

  void run() {
    if (!ranOnce) {
      work.run();
      ranOnce = true;
      return;
    }
    if (replay == null) {
      replay = recorder.record(work);
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
