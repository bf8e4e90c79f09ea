package io.tanuki4j.train;

import io.tanuki4j.comm.TextExchange;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.Stopwatches;
import io.tanuki4j.metrics.LoggingConfig;
import io.tanuki4j.metrics.TimerMetrics;
import io.tanuki4j.metrics.TimerMetrics.Style;
import io.tanuki4j.metrics.TimerMetrics.Timer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What the parts of an iteration take on this rank, under Megatron's names: from when the device
 * reaches a part until it has finished it. Neither host nor device waits to measure. The device's
 * waiting for other ranks is counted apart, and is in the parts too.
 */
public final class Timers implements AutoCloseable {
  static final String FORWARD_BACKWARD = "forward-backward";
  static final String GRADS_SYNC = "all-grads-sync";
  static final String OPTIMIZER = "optimizer";
  static final String PARAMS_GATHER = "params-all-gather";

  /** All of the above and the rest of the iteration, as the host sees it. */
  static final String INTERVAL = TimerMetrics.INTERVAL;

  /** Waiting for other ranks; not Megatron's. */
  static final String EXPOSED = "exposed-communication";

  private static final List<String> PARTS =
      List.of(FORWARD_BACKWARD, GRADS_SYNC, OPTIMIZER, PARAMS_GATHER);

  private static final double NANOS_PER_MILLI = 1e6;

  private final LoggingConfig config;
  private final LongSupplier nanoTime;
  private final @Nullable Stopwatches parts;
  private final Supplier<Map<String, Long>> waits;
  private final @Nullable TraceWindow trace;
  private final Map<String, Long> nanos = new LinkedHashMap<>();
  private boolean paused = true;
  private long runningSince;

  /**
   * @param device that does the parts
   * @param waits for other ranks since it was asked before: nanoseconds by the names of groups
   * @param trace of some iterations; null for none
   */
  public Timers(
      LoggingConfig config,
      LongSupplier nanoTime,
      Device device,
      Supplier<Map<String, Long>> waits,
      @Nullable TraceWindow trace) {
    this.config = config;
    this.nanoTime = nanoTime;
    this.parts = config.measuresParts() ? device.openStopwatches(PARTS.size()) : null;
    this.waits = waits;
    this.trace = trace;
    if (parts != null) {
      PARTS.forEach(name -> nanos.put(name, 0L));
    }
    nanos.put(INTERVAL, 0L);
    nanos.put(EXPOSED, 0L);
  }

  /** Returns timers that measure nothing. */
  static Timers none(Device device) {
    return new Timers(
        new LoggingConfig(1, LoggingConfig.Line.SHORT), () -> 0, device, Map::of, null);
  }

  /**
   * Runs an iteration.
   *
   * @param iteration counted from 1
   */
  void iteration(long iteration, Runnable work) {
    if (trace == null) {
      work.run();
    } else {
      trace.iteration(iteration, work);
    }
  }

  /** Runs work that belongs to no iteration or that Megatron has no timer for. */
  void span(String name, Runnable work) {
    if (trace == null) {
      work.run();
    } else {
      trace.span(name, work);
    }
  }

  /** Runs work and counts its time. */
  void measure(String name, Runnable work) {
    span(name, () -> count(name, work));
  }

  private void count(String name, Runnable work) {
    if (parts == null) {
      work.run();
      return;
    }
    int index = PARTS.indexOf(name);
    parts.start(index);
    work.run();
    parts.stop(index);
  }

  /** Counts the parts since the last call, and the time in which this rank waited for others. */
  private void addMeasured() {
    waits.get().forEach(this::addWait);
    if (parts != null) {
      long[] taken = parts.takeNanos();
      for (int i = 0; i < taken.length; i++) {
        add(PARTS.get(i), taken[i]);
      }
    }
  }

  private void addWait(String group, long waitedNanos) {
    add(EXPOSED, waitedNanos);
    if (config.timingLevel() > 1) {
      add(EXPOSED + "-" + group, waitedNanos);
    }
  }

  private void add(String name, long more) {
    if (!paused) {
      nanos.merge(name, more, Long::sum);
    }
  }

  /** Excludes the time until {@link #resume} from the iteration. */
  void pause() {
    endStretch();
    paused = true;
  }

  /** Begins to measure, at first and after a pause. */
  void resume() {
    addMeasured();
    paused = false;
    runningSince = nanoTime.getAsLong();
  }

  private void endStretch() {
    addMeasured();
    long now = nanoTime.getAsLong();
    add(INTERVAL, now - runningSince);
    runningSince = now;
  }

  /**
   * Returns the times of all ranks since the last call, which all ranks make; empty if they are not
   * wanted. Without timers only the waiting is measured.
   *
   * @param numIterations since then
   */
  Optional<TimerMetrics> take(long numIterations, TextExchange ranks) {
    if (!config.measuresParts() && !config.rankTimes()) {
      return Optional.empty();
    }
    endStretch();
    Map<String, double[]> byName = new LinkedHashMap<>();
    List<String> texts = ranks.gather(text());
    for (int rank = 0; rank < texts.size(); rank++) {
      for (String line : texts.get(rank).lines().toList()) {
        String[] words = line.split(" ", 2);
        double[] millis = byName.computeIfAbsent(words[1], name -> new double[texts.size()]);
        millis[rank] = Long.parseLong(words[0]) / NANOS_PER_MILLI / numIterations;
      }
    }
    nanos.replaceAll((name, value) -> 0L);
    List<Timer> timers = new ArrayList<>();
    byName.forEach((name, millis) -> timers.add(new Timer(name, millis)));
    Style style = config.measuresParts() ? config.timingStyle() : Style.HIDDEN;
    return Optional.of(new TimerMetrics(style, timers));
  }

  @Override
  public void close() {
    if (parts != null) {
      parts.close();
    }
  }

  private String text() {
    StringBuilder lines = new StringBuilder();
    nanos.forEach((name, value) -> lines.append(value).append(' ').append(name).append('\n'));
    return lines.toString();
  }
}
