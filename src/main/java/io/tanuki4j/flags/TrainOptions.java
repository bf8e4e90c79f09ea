package io.tanuki4j.flags;

import static java.util.Objects.requireNonNull;

import io.tanuki4j.config.Problems;
import io.tanuki4j.train.LossNormalization;
import io.tanuki4j.train.TrainConfig;
import io.tanuki4j.train.TrainConfig.Batches;
import io.tanuki4j.train.TrainConfig.Evaluations;
import io.tanuki4j.train.TrainConfig.Exits;
import io.tanuki4j.train.TrainConfig.Growth;
import io.tanuki4j.train.TrainConfig.Length;
import io.tanuki4j.train.TrainConfig.Steps;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The flags of {@link TrainConfig}. */
public final class TrainOptions {
  @Option(
      names = "--micro-batch-size",
      paramLabel = "N",
      description = "Samples per forward and backward.")
  @Nullable Integer microBatchSize;

  @Option(
      names = "--global-batch-size",
      paramLabel = "N",
      description = "Samples per iteration, of all ranks (a micro-batch of each).")
  @Nullable Integer globalBatchSize;

  @Option(
      names = "--rampup-batch-size",
      paramLabel = "START INCREMENT SAMPLES",
      arity = "0..*",
      description =
          "The global batch grows from START by INCREMENT over the first SAMPLES samples.")
  @Nullable List<String> rampupBatchSize;

  @Option(
      names = "--step-batch-size-schedule",
      paramLabel = "TOKENS:SIZE...",
      arity = "0..*",
      description =
          "Sets the global batch to SIZE samples once TOKENS tokens have been consumed. TOKENS may"
              + " end in K, M, B or T; the last SIZE is --global-batch-size.")
  @Nullable List<String> stepBatchSizeSchedule;

  @Option(names = "--train-iters", paramLabel = "N", description = "Iterations to train.")
  @Nullable Integer trainIters;

  @Option(
      names = "--train-samples",
      paramLabel = "N",
      description = "Samples to train, instead of --train-iters.")
  @Nullable Long trainSamples;

  @Option(
      names = "--eval-interval",
      paramLabel = "N",
      description = "Iterations between evaluations; 0 for none before the end.")
  int evalInterval = 1000;

  @Option(
      names = "--eval-iters",
      paramLabel = "N",
      description = "Global batches per evaluation; 0 or -1 for none.")
  int evalIters = 100;

  @Option(
      names = "--exit-interval",
      paramLabel = "N",
      description = "Saves and stops at an iteration that N divides; 0 for none.")
  @Nullable Integer exitInterval;

  @Option(
      names = "--exit-duration-in-mins",
      paramLabel = "N",
      description = "Saves and stops after N minutes; 0 for none.")
  @Nullable Integer exitDurationInMins;

  @Option(names = "--skip-train", description = "Evaluates only.")
  boolean skipTrain;

  @Option(
      names = "--calculate-per-token-loss",
      description =
          "Divides gradients by the counted tokens of the global batch (the mean of the"
              + " micro-batches' own means); the same unless tokens are masked.")
  boolean calculatePerTokenLoss;

  @Option(
      names = "--no-check-for-nan-in-loss-and-grad",
      description = "Trains on when a loss or gradient is NaN or infinite.")
  boolean checkForNanInLossAndGrad = true;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Seed of the initial weights and of the sample order.")
  int seed = 1234;

  private @Nullable Steps steps;
  private @Nullable Growth growth;

  /**
   * Sets what follows from other flags.
   *
   * @param dataParallelSize ranks with samples of their own
   * @param seqLength null if it is missing
   */
  void derive(int dataParallelSize, @Nullable Integer seqLength, List<String> notices) {
    if (evalIters == -1) {
      evalIters = 0;
    }
    exitInterval = orNone(exitInterval);
    exitDurationInMins = orNone(exitDurationInMins);
    steps = BatchSizes.steps(stepBatchSizeSchedule, seqLength);
    if (globalBatchSize == null && steps != null) {
      globalBatchSize = steps.all().get(steps.all().size() - 1).batchSize();
    }
    if (globalBatchSize == null && microBatchSize != null && microBatchSize > 0) {
      globalBatchSize = microBatchSize * dataParallelSize;
      notices.add("setting global batch size to " + globalBatchSize);
    }
  }

  /** Lets a run continue after gradients that are not finite, which its loss scaler skips. */
  void deriveWithoutCheck(List<String> notices) {
    if (checkForNanInLossAndGrad) {
      checkForNanInLossAndGrad = false;
      notices.add(
          "Setting args.check_for_nan_in_loss_and_grad to False since dynamic loss scaling is being"
              + " used");
    }
  }

  private static @Nullable Integer orNone(@Nullable Integer number) {
    return number == null || number == 0 ? null : number;
  }

  /** Sets the longest possible run, for one that is ended from outside. */
  void deriveWithoutEnd() {
    if (trainIters == null && trainSamples == null) {
      trainIters = Integer.MAX_VALUE;
    }
  }

  /** Sets missing values to the minimum, because an evaluation needs no training. */
  void deriveForEvaluation() {
    if (microBatchSize == null) {
      microBatchSize = 1;
    }
    if (trainIters == null && trainSamples == null) {
      trainIters = 1;
    }
  }

  /** Sets the iterations of a run that is given in samples; call {@link #check} first. */
  void deriveIterations(List<String> notices) {
    if (trainIters == null && trainSamples != null && globalBatchSize != null) {
      if (globalBatchSize > 0 && trainSamples > 0) {
        long iterations = BatchSizes.iterations(growth, globalBatchSize, trainSamples);
        trainIters = Math.toIntExact(Math.min(iterations, Integer.MAX_VALUE));
        notices.add("setting training iterations to " + trainIters);
      }
    }
  }

  /**
   * Checks the flags.
   *
   * @param samplesPerStep that every global batch must be a multiple of; 0 if it is not known
   */
  void check(int samplesPerStep, Problems problems) {
    String one = "Write 1 or more.";
    problems.required(
        "--micro-batch-size",
        microBatchSize,
        "an integer",
        "Add it, for example --micro-batch-size 1.");
    problems.positive("--micro-batch-size", microBatchSize, one);
    if (microBatchSize == null || microBatchSize > 0) {
      problems.positive("--global-batch-size", globalBatchSize, one);
    }
    checkLength(problems);
    growth = BatchSizes.growth(this, steps, samplesPerStep, problems);
    problems.notNegative("--eval-interval", evalInterval, "Write 0 to evaluate at the end only.");
    problems.notNegative("--eval-iters", evalIters, "Write 0 for no evaluation.");
    problems.positive("--exit-interval", exitInterval, one);
    problems.positive("--exit-duration-in-mins", exitDurationInMins, one);
    problems.positive("--seed", seed, "Megatron uses 1234.");
  }

  private void checkLength(Problems problems) {
    problems.exclusive("--train-samples", trainSamples, "--train-iters", trainIters);
    if (trainSamples == null) {
      problems.required(
          "--train-iters",
          trainIters,
          "an integer, or --train-samples",
          "Add it, for example --train-iters 1000.");
    }
    String remedy = "Write 1 or more; --skip-train evaluates only.";
    problems.positive("--train-iters", trainIters, remedy);
    problems.positive("--train-samples", trainSamples, remedy);
    if (trainSamples != null
        && trainSamples > 0
        && globalBatchSize != null
        && trainSamples < globalBatchSize) {
      problems.add(
          "--train-samples",
          trainSamples,
          "at least one global batch, " + globalBatchSize,
          "Write a multiple of it.");
    }
  }

  TrainConfig toConfig(int dataParallelSize) {
    return new TrainConfig(
        new Batches(
            requireNonNull(microBatchSize),
            requireNonNull(globalBatchSize),
            dataParallelSize,
            growth),
        new Length(requireNonNull(trainIters), trainSamples, skipTrain),
        new Evaluations(evalInterval, evalIters),
        new Exits(
            exitInterval, exitDurationInMins == null ? null : exitDurationInMins.doubleValue()),
        calculatePerTokenLoss ? LossNormalization.TOKENS : LossNormalization.MICROBATCHES,
        checkForNanInLossAndGrad,
        seed);
  }
}
