package io.tanuki4j.run;

import io.tanuki4j.data.BatchSource;
import io.tanuki4j.metrics.EvaluationMetrics;
import io.tanuki4j.metrics.Reports;
import io.tanuki4j.train.Evaluator;
import io.tanuki4j.train.TrainConfig;
import org.jspecify.annotations.Nullable;

/**
 * Reports the loss of a model that was loaded.
 *
 * @param iteration at which it was saved
 */
record CheckpointLoss(Evaluator evaluator, TrainConfig config, long iteration, Reports reports) {
  /**
   * @param source null if there are no data
   * @param set {@code validation} or {@code test}
   */
  void report(@Nullable BatchSource source, String set) {
    if (source == null) {
      reports.log().message("no " + set + " data");
      return;
    }
    int numMicrobatches = config.batches().numMicrobatches(config.batches().globalBatchSize());
    String where = "iteration %d on %s set".formatted(iteration, set);
    evaluator
        .run(source, config.evaluations().iterations(), numMicrobatches, batch -> true)
        .map(loss -> new EvaluationMetrics(where, set, iteration, loss.lm()))
        .ifPresent(reports.metrics()::evaluation);
  }
}
