package io.tanuki4j.train;

import io.tanuki4j.data.BatchSource;
import io.tanuki4j.metrics.EvaluationMetrics;
import io.tanuki4j.metrics.Reports;
import java.util.Optional;

/** Runs the evaluations of a run and reports them, unless the run is to exit meanwhile. */
final class EvaluationSchedule {
  private final TrainConfig config;
  private final Evaluator evaluator;
  private final ExitPolicy exits;
  private final Reports reports;

  EvaluationSchedule(TrainConfig config, Evaluator evaluator, ExitPolicy exits, Reports reports) {
    this.config = config;
    this.evaluator = evaluator;
    this.exits = exits;
    this.reports = reports;
  }

  boolean isDue(long iteration) {
    return config.evaluations().interval() > 0 && iteration % config.evaluations().interval() == 0;
  }

  /** Returns the number of samples that one evaluation takes. */
  long numSamples() {
    return (long) config.evaluations().iterations() * config.batches().globalBatchSize();
  }

  /** Runs an evaluation during training. */
  void run(BatchSource source, long iteration) {
    evaluate(source, new Place("iteration " + iteration, "validation", iteration), false);
  }

  /**
   * Runs an evaluation after training.
   *
   * @param set {@code validation} or {@code test}
   */
  void runAtEnd(BatchSource source, long iteration, String set) {
    reports.log().message("Evaluating on " + numSamples() + " samples");
    String where = "iteration %d on %s set".formatted(iteration, set);
    evaluate(source, new Place(where, set, iteration), true);
  }

  /** What is evaluated, in words, and when. */
  private record Place(String where, String set, long iteration) {
    EvaluationMetrics metrics(Loss loss) {
      return new EvaluationMetrics(where, set, iteration, loss.lm());
    }
  }

  private void evaluate(BatchSource source, Place place, boolean verbose) {
    int numBatches = config.evaluations().iterations();
    evaluator
        .run(
            source,
            numBatches,
            config.batches().numMicrobatches(config.batches().globalBatchSize()),
            batch -> goOn("Evaluating iter " + batch + "/" + numBatches, verbose))
        .map(place::metrics)
        .ifPresent(reports.metrics()::evaluation);
  }

  private boolean goOn(String line, boolean verbose) {
    Optional<String> exit = exits.duringEvaluation();
    exit.ifPresent(reports.log()::message);
    if (exit.isEmpty() && verbose) {
      reports.log().message(line);
    }
    return exit.isEmpty();
  }
}
