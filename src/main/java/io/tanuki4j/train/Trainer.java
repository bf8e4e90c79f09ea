package io.tanuki4j.train;

import static java.util.Objects.requireNonNull;

import io.tanuki4j.data.BatchSource;
import io.tanuki4j.error.UserException;
import io.tanuki4j.metrics.Reports;
import io.tanuki4j.metrics.RunPosition;
import io.tanuki4j.metrics.StartupLines;
import io.tanuki4j.optim.OptimizerSchedule;
import io.tanuki4j.parallel.Agreement;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * While the run is not over: an iteration, then what is due of log line, evaluation, save and exit,
 * in this order, which is Megatron's, except that a save which is certain to come is made before
 * the evaluation: whatever ends that, the iterations are kept.
 */
public final class Trainer {
  private final TrainConfig config;
  private final Collaborators run;
  private final Reports reports;
  private final RunClock timing;
  private final ExitPolicy exits;
  private final EvaluationSchedule evaluations;
  private final Queue<RunPosition> pending = new ArrayDeque<>();
  private long iteration;
  private long consumedTrain;
  private long consumedValid;
  private @Nullable RunPosition last;
  private LogInterval interval;

  /**
   * What a run is made of. The caller closes it.
   *
   * @param stop set when a signal arrives
   * @param agreement of all ranks
   */
  public record Collaborators(
      TrainStep step,
      Evaluator evaluator,
      OptimizerSchedule schedule,
      BatchSources splits,
      Saver saver,
      IterationLog log,
      StopRequest stop,
      Agreement agreement,
      Timers timers) {}

  /** Creates a trainer; {@code --exit-duration-in-mins} counts from here. */
  public Trainer(TrainConfig config, Collaborators run, Reports reports, RunClock timing) {
    this.config = config;
    this.run = run;
    this.reports = reports;
    this.timing = timing;
    this.exits = new ExitPolicy(config, run.stop, timing.nanoTime(), run.agreement);
    this.evaluations = new EvaluationSchedule(config, run.evaluator, exits, reports);
    this.interval = new LogInterval(timing);
  }

  /**
   * Trains to the last iteration, or until the run is to exit, and saves; then evaluates.
   *
   * @param start where the sources of data stand too
   * @throws DivergedException if a loss or a gradient is not finite, unless the check is off
   */
  public void run(Progress start) {
    iteration = start.iteration();
    consumedTrain = start.consumedTrainSamples();
    consumedValid = start.consumedValidSamples();
    new SamplesToCome(config, start).require(run.splits);
    if (config.length().skipTrain()) {
      reports.log().message(StartupLines.SKIPPING_TRAINING);
      evaluateAtEnd();
      return;
    }
    run.saver.begin(start);
    reports.log().message(StartupLines.TRAINING);
    boolean toTheEnd = train(source());
    run.saver.finish();
    if (toTheEnd) {
      evaluateAtEnd();
    }
  }

  private BatchSource source() {
    BatchSource train = run.splits.train();
    if (train == null) {
      throw new UserException(
          "training data: none (expected: a dataset). Give --data-path or --train-data-path, or"
              + " --skip-train.");
    }
    if (train.consumedSamples() != consumedTrain) {
      throw new IllegalStateException(
          "the training data stand at sample %d, the run at %d"
              .formatted(train.consumedSamples(), consumedTrain));
    }
    return train;
  }

  /** Returns whether the run came to its end, rather than being told to exit. */
  private boolean train(BatchSource source) {
    int batchSize = begin();
    boolean anything = !isLast();
    while (!isLast()) {
      batchSize = rampUp(batchSize);
      iterate(source, batchSize);
      logIfDue();
      run.saver.poll();
      evaluateIfDue();
      if (saveOrExit()) {
        return false;
      }
    }
    reports.log().message(timing.dateTime("after training is done"));
    if (anything) {
      save();
    }
    return true;
  }

  private int begin() {
    int batchSize = config.batches().batchSize(consumedTrain);
    if (config.batches().growth() != null) {
      reports.log().message("setting initial batch size to " + batchSize);
    }
    reports.log().message(timing.dateTime("before the start of training step"));
    interval = new LogInterval(timing);
    run.timers.resume();
    return batchSize;
  }

  private int rampUp(int before) {
    int now = config.batches().batchSize(consumedTrain);
    if (now != before) {
      reports.log().message("ramping up batch size from %d to %d".formatted(before, now));
      save();
    }
    return now;
  }

  private void iterate(BatchSource source, int batchSize) {
    OptimizerSchedule schedule = run.schedule;
    int numMicrobatches = config.batches().numMicrobatches(batchSize);
    run.timers.iteration(
        iteration + 1, () -> run.step.run(source, numMicrobatches, schedule.rates()));
    if (run.step.hasUpdated()) {
      schedule.advance(batchSize);
    }
    consumedTrain += batchSize;
    iteration++;
    pending.add(
        new RunPosition(
            iteration,
            config.length().iterations(),
            consumedTrain,
            batchSize,
            schedule.learningRate(),
            schedule.decoupledLearningRate()));
    if (run.step.isFull()) {
      collect();
    }
  }

  /** Waits for the device and looks at what the iterations since the last call found out. */
  private void collect() {
    for (StepResult result : run.step.takeResults()) {
      last = pending.remove();
      run.log.update(last, result);
      if (config.checkForNan() && !result.isFinite()) {
        throw new DivergedException(last.iteration(), result);
      }
      interval.add(result);
    }
  }

  private void logIfDue() {
    if (run.log.isDue(iteration) || isLast()) {
      writeLog();
    }
  }

  /** Logs the last iteration, whatever the interval is. */
  private void logBeforeExit() {
    collect();
    if (interval.numIterations() > 0) {
      writeLog();
    }
  }

  private void writeLog() {
    collect();
    run.log.write(interval, requireNonNull(last), run.agreement.texts());
    run.timers
        .take(interval.numIterations(), run.agreement.texts())
        .ifPresent(reports.metrics()::timers);
    interval = new LogInterval(timing);
  }

  /**
   * Evaluates if an evaluation is due. One that breaks off, or that comes after its iteration's
   * save, counts as a whole one: a resumed run then sees the same samples as an unbroken one.
   */
  private void evaluateIfDue() {
    BatchSource valid = run.splits.valid();
    if (valid != null && config.evaluations().iterations() > 0 && evaluations.isDue(iteration)) {
      consumedValid += evaluations.numSamples();
      if (run.saver.isDue(iteration) || exits.isDue(iteration) || isLast()) {
        save();
        run.saver.finish();
      }
      outsideTheInterval("evaluation", () -> evaluations.run(valid, iteration));
    }
  }

  private boolean isLast() {
    return iteration >= config.length().iterations();
  }

  private boolean saveOrExit() {
    Optional<String> exit = exits.after(iteration);
    if (exit.isPresent()) {
      logBeforeExit();
    }
    if (exit.isPresent() || run.saver.isDue(iteration)) {
      save();
    }
    exit.ifPresent(reason -> reports.log().message(timing.dateTime(reason)));
    return exit.isPresent();
  }

  private void evaluateAtEnd() {
    BatchSource valid = run.splits.valid();
    BatchSource test = run.splits.test();
    if (valid != null && config.evaluations().iterations() > 0) {
      evaluations.runAtEnd(valid, iteration, "validation");
    }
    if (test != null && config.evaluations().iterations() > 0) {
      evaluations.runAtEnd(test, iteration, "test");
    }
  }

  /** Saves, but only once the iterations were found to be finite. */
  private void save() {
    Progress progress = new Progress(iteration, consumedTrain, consumedValid);
    run.step.completeWeights();
    outsideTheInterval("save", () -> run.saver.save(progress));
  }

  private void outsideTheInterval(String what, Runnable work) {
    collect();
    interval.pause();
    run.timers.pause();
    run.timers.span(what, work);
    run.timers.resume();
    interval.resume();
  }
}
