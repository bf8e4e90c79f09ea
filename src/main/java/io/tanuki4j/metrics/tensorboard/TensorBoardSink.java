package io.tanuki4j.metrics.tensorboard;

import io.tanuki4j.metrics.EvaluationMetrics;
import io.tanuki4j.metrics.Fp8Metrics;
import io.tanuki4j.metrics.IterationMetrics;
import io.tanuki4j.metrics.MetricNames;
import io.tanuki4j.metrics.MetricsSink;
import io.tanuki4j.metrics.RunInfo;
import io.tanuki4j.metrics.TimerMetrics;
import io.tanuki4j.metrics.UpdateMetrics;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Clock;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Writes curves for TensorBoard with Megatron's tags, each also over samples, and the arguments as
 * texts. A resumed run removes the points after its checkpoint.
 */
public final class TensorBoardSink implements MetricsSink {
  static final String OVER_SAMPLES = " vs samples";

  private final TensorBoardConfig config;
  private final String host;
  private final Clock clock;
  private final Set<String> ofLogLine =
      new HashSet<>(
          Set.of("num-zeros", "params-norm", "iter-energy/gpu", "power/gpu", "joules-per-token"));
  private RunInfo run = RunInfo.NONE;
  private long lastIteration;
  private long lastSamples;
  private @Nullable EventFile file;

  /**
   * Writes to a folder.
   *
   * @param host part of the file's name
   */
  public TensorBoardSink(TensorBoardConfig config, String host, Clock clock) {
    this.config = config;
    this.host = host;
    this.clock = clock;
    if (config.timers()) {
      ofLogLine.addAll(Set.of("iteration-time", "throughput", "tokens-per-second"));
    }
    if (config.memory()) {
      ofLogLine.addAll(Set.of("mem-allocated-bytes", "mem-reserved-bytes"));
    }
    if (config.lossScale()) {
      ofLogLine.add("loss-scale");
    }
  }

  @Override
  public void start(RunInfo info) {
    run = info;
    lastSamples = info.startSamples();
    write(
        () -> {
          if (info.startIteration() > 0) {
            OldEvents.forget(config.folder(), info.startIteration(), info.startSamples());
          }
          file = new EventFile(config.folder(), host, clock);
          for (Map.Entry<String, @Nullable Object> argument : info.arguments().entrySet()) {
            String text = String.valueOf(argument.getValue());
            file.text(argument.getKey(), text, info.startIteration());
          }
        });
  }

  @Override
  public void update(UpdateMetrics metrics) {
    lastIteration = metrics.position().iteration();
    lastSamples = metrics.position().consumedSamples();
    if (isDue()) {
      points(MetricNames.of(metrics));
      if (config.worldSize()) {
        points(Map.of("world-size", (double) run.ranks().count()));
      }
    }
  }

  @Override
  public void iteration(IterationMetrics metrics) {
    if (isDue()) {
      Map<String, Double> values = MetricNames.of(metrics, run);
      values.keySet().retainAll(ofLogLine);
      points(values);
    }
    write(() -> open().flush());
  }

  @Override
  public void evaluation(EvaluationMetrics metrics) {
    Map<String, Double> values = MetricNames.of(metrics);
    if (!config.perplexity()) {
      values.keySet().removeIf(name -> name.endsWith(" ppl"));
    }
    points(values);
    write(() -> open().flush());
  }

  @Override
  public void fp8(Fp8Metrics metrics) {
    if (isDue()) {
      points(metrics.values());
    }
  }

  @Override
  public void timers(TimerMetrics metrics) {
    if (config.timers() && metrics.isLogged()) {
      for (TimerMetrics.Timer timer : metrics.timers()) {
        write(() -> open().scalar(timer.name() + "-time", timer.max(), lastIteration));
      }
    }
  }

  @Override
  public void close() {
    if (file != null) {
      write(file::close);
    }
  }

  private boolean isDue() {
    return lastIteration % config.logInterval() == 0;
  }

  private void points(Map<String, Double> values) {
    write(
        () -> {
          for (Map.Entry<String, Double> value : values.entrySet()) {
            open().scalar(value.getKey(), value.getValue(), lastIteration);
            open().scalar(value.getKey() + OVER_SAMPLES, value.getValue(), lastSamples);
          }
        });
  }

  private EventFile open() {
    if (file == null) {
      throw new IllegalStateException("metrics before the start");
    }
    return file;
  }

  /** An action that writes. */
  @FunctionalInterface
  private interface Writing {
    void run() throws IOException;
  }

  private static void write(Writing writing) {
    try {
      writing.run();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
