package io.tanuki4j.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class FanOutSinkTest {
  @Test
  void a_failing_sink_does_not_keep_the_next_from_its_metrics() {
    List<String> seen = new ArrayList<>();
    FanOutSink sink = new FanOutSink(List.of(new Failing(), new Recording(seen)));
    sink.evaluation(new EvaluationMetrics("iteration 5", "validation", 5, 1));
    sink.close();
    assertThat(seen).containsExactly("iteration 5", "closed");
  }

  private static final class Failing implements MetricsSink {
    @Override
    public void iteration(IterationMetrics metrics) {
      throw new IllegalStateException("disk full");
    }

    @Override
    public void evaluation(EvaluationMetrics metrics) {
      throw new IllegalStateException("disk full");
    }

    @Override
    public void close() {
      throw new IllegalStateException("disk full");
    }
  }

  private record Recording(List<String> seen) implements MetricsSink {
    @Override
    public void iteration(IterationMetrics metrics) {
      seen.add("iteration");
    }

    @Override
    public void evaluation(EvaluationMetrics metrics) {
      seen.add(metrics.where());
    }

    @Override
    public void close() {
      seen.add("closed");
    }
  }
}
