package io.tanuki4j.train;

import io.tanuki4j.error.FailureSentence;
import io.tanuki4j.kernel.profile.ProfiledDevice;
import io.tanuki4j.kernel.profile.Trace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Traces some iterations of a rank into a file, as {@code --profile} asks. A file that cannot be
 * written is a warning.
 */
public final class TraceWindow implements AutoCloseable {
  private final ProfileConfig config;
  private final ProfiledDevice device;
  private final int rank;
  private final Consumer<String> log;
  private @Nullable Trace trace;
  private long first;
  private long last;

  /**
   * Prepares a trace.
   *
   * @param log says where the trace is
   */
  public TraceWindow(ProfileConfig config, ProfiledDevice device, int rank, Consumer<String> log) {
    this.config = config;
    this.device = device;
    this.rank = rank;
    this.log = log;
  }

  /**
   * Runs an iteration, in the trace if it is one of those to profile.
   *
   * @param iteration counted from 1
   */
  void iteration(long iteration, Runnable work) {
    if (iteration == config.stepStart() + 1) {
      first = iteration;
      trace = device.startTrace(rank);
    } else if (trace == null && first == 0 && iteration > config.stepStart() + 1) {
      first = iteration;
      log.accept(
          "WARNING: --profile-step-start %d: the run begins after it, so nothing is profiled."
              .formatted(config.stepStart()));
    }
    last = iteration;
    span("iteration " + iteration, work);
    if (iteration == config.stepEnd()) {
      close();
    }
  }

  /** Does work, as a span of the host if a trace is on. */
  void span(String name, Runnable work) {
    Trace now = trace;
    if (now == null) {
      work.run();
      return;
    }
    long start = System.nanoTime();
    work.run();
    now.host(name, start, System.nanoTime());
  }

  /** Ends a trace, also before its last iteration, and writes it. */
  @Override
  public void close() {
    if (trace == null) {
      return;
    }
    Trace ended = trace;
    trace = null;
    device.stopTrace();
    String name = "trace-rank%d-iterations-%d-to-%d.json".formatted(rank, first, last);
    Path file = config.folder().resolve(name);
    try {
      Files.createDirectories(config.folder());
      ended.write(file);
      log.accept("profile: %s, for ui.perfetto.dev or chrome://tracing".formatted(file));
    } catch (IOException e) {
      log.accept(
          "WARNING: profile: %s cannot be written: %s".formatted(file, FailureSentence.of(e)));
    }
  }
}
