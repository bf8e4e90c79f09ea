package io.tanuki4j.metrics;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;

/**
 * A sink with one row per iteration: its metrics, with the log line and the evaluation that came
 * after it. A row is complete when the next iteration arrives.
 */
public abstract class Rows implements MetricsSink {
  private final Map<String, Double> row = new LinkedHashMap<>();
  private OptionalLong iteration = OptionalLong.empty();
  private RunInfo run = RunInfo.NONE;

  /** Opens the output of the rows. */
  protected abstract void open(RunInfo info);

  /** Writes one iteration's numbers, by Megatron's names. */
  protected abstract void write(long rowIteration, Map<String, Double> values);

  /** Closes the output after the last row. */
  protected abstract void end();

  @Override
  public final void start(RunInfo info) {
    run = info;
    open(info);
  }

  @Override
  public final void update(UpdateMetrics metrics) {
    add(metrics.position().iteration(), MetricNames.of(metrics));
    row.put("consumed-samples", (double) metrics.position().consumedSamples());
    row.put("consumed-tokens", (double) metrics.position().consumedSamples() * run.seqLength());
  }

  @Override
  public void iteration(IterationMetrics metrics) {
    add(metrics.position().iteration(), MetricNames.of(metrics, run));
  }

  @Override
  public void evaluation(EvaluationMetrics metrics) {
    add(metrics.iteration(), MetricNames.of(metrics));
  }

  @Override
  public void fp8(Fp8Metrics metrics) {
    add(metrics.iteration(), metrics.values());
  }

  @Override
  public final void close() {
    flush();
    end();
  }

  private void add(long of, Map<String, Double> values) {
    if (iteration.isPresent() && iteration.getAsLong() != of) {
      flush();
    }
    iteration = OptionalLong.of(of);
    row.putAll(values);
  }

  private void flush() {
    if (iteration.isPresent() && !row.isEmpty()) {
      write(iteration.getAsLong(), new LinkedHashMap<>(row));
      row.clear();
    }
  }
}
