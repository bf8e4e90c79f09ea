package io.tanuki4j.metrics;

import io.tanuki4j.error.FailureSentence;
import java.util.List;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Several sinks as one. If a sink fails, the log shows a warning and training continues. */
public final class FanOutSink implements MetricsSink {
  private static final Logger LOG = LoggerFactory.getLogger(FanOutSink.class);

  private final List<MetricsSink> sinks;

  public FanOutSink(List<MetricsSink> sinks) {
    this.sinks = List.copyOf(sinks);
  }

  @Override
  public void start(RunInfo run) {
    each(sink -> sink.start(run));
  }

  @Override
  public void update(UpdateMetrics metrics) {
    each(sink -> sink.update(metrics));
  }

  @Override
  public void iteration(IterationMetrics metrics) {
    each(sink -> sink.iteration(metrics));
  }

  @Override
  public void evaluation(EvaluationMetrics metrics) {
    each(sink -> sink.evaluation(metrics));
  }

  @Override
  public void timers(TimerMetrics metrics) {
    each(sink -> sink.timers(metrics));
  }

  @Override
  public void fp8(Fp8Metrics metrics) {
    each(sink -> sink.fp8(metrics));
  }

  @Override
  public void failed() {
    each(MetricsSink::failed);
  }

  @Override
  public void close() {
    each(MetricsSink::close);
  }

  private void each(Consumer<MetricsSink> call) {
    for (MetricsSink sink : sinks) {
      try {
        call.accept(sink);
      } catch (RuntimeException e) {
        LOG.warn(
            "{} failed: {} Training continues without this report.", sink, FailureSentence.of(e));
      }
    }
  }
}
