package io.tanuki4j.metrics.sinks;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.metrics.EvaluationMetrics;
import io.tanuki4j.metrics.IterationMetrics;
import io.tanuki4j.metrics.MetricsSink;
import io.tanuki4j.metrics.UpdateMetrics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BackgroundSinkTest {
  private final List<String> warnings = new CopyOnWriteArrayList<>();

  /** Counts updates, once it may. */
  private static final class Counting implements MetricsSink {
    private final CountDownLatch gate;
    private int updates;
    private boolean closed;

    Counting(CountDownLatch gate) {
      this.gate = gate;
    }

    @Override
    public void update(UpdateMetrics metrics) {
      try {
        gate.await();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
      updates++;
    }

    @Override
    public void iteration(IterationMetrics metrics) {}

    @Override
    public void evaluation(EvaluationMetrics metrics) {}

    @Override
    public void close() {
      closed = true;
    }
  }

  @Test
  void closing_waits_for_all_that_was_reported() {
    Counting counting = new Counting(new CountDownLatch(0));
    try (BackgroundSink sink = new BackgroundSink("counting", counting, 30, warnings::add)) {
      Metrics.report(sink, 1, 1000);
    }
    assertThat(counting.updates).isEqualTo(1000);
    assertThat(counting.closed).isTrue();
    assertThat(warnings).isEmpty();
  }

  @Test
  void a_sink_that_stands_still_is_given_up_with_one_warning() {
    Counting counting = new Counting(new CountDownLatch(1));
    BackgroundSink sink = new BackgroundSink("slow", counting, 0, warnings::add);
    Metrics.report(sink, 1, 40_000);
    assertThat(warnings)
        .containsExactly(
            "WARNING: slow gets no more metrics: it is 16384 reports behind. Training continues"
                + " without it.");
    counting.gate.countDown();
  }

  @Test
  void a_full_disk_is_one_warning(@TempDir Path folder) throws IOException {
    Path full = Path.of("/dev/full");
    if (Files.exists(full)) {
      Files.createSymbolicLink(folder.resolve("run.json.tmp"), full);
      MetricsFile file = new MetricsFile(folder);
      try (BackgroundSink sink = new BackgroundSink("metrics.jsonl", file, 30, warnings::add)) {
        sink.start(Metrics.run(0));
        Metrics.report(sink, 1, 100);
      }
      assertThat(warnings)
          .containsExactly(
              "WARNING: metrics.jsonl gets no more metrics: No space left on device. Training"
                  + " continues without it.");
    }
  }
}
