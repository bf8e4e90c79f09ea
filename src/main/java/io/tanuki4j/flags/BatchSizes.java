package io.tanuki4j.flags;

import io.tanuki4j.config.Problems;
import io.tanuki4j.train.TrainConfig.Growth;
import io.tanuki4j.train.TrainConfig.Rampup;
import io.tanuki4j.train.TrainConfig.Step;
import io.tanuki4j.train.TrainConfig.Steps;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Reads {@code --rampup-batch-size START INCREMENT SAMPLES} and {@code --step-batch-size-schedule
 * TOKENS:SIZE …}.
 */
final class BatchSizes {
  private static final String RAMPUP = "--rampup-batch-size";
  private static final String STEPS = "--step-batch-size-schedule";
  private static final int WORDS = 3;
  private static final String SUFFIXES = "KMBT";

  private BatchSizes() {}

  /**
   * Returns the growth; null if the batch is constant, or if a flag is wrong.
   *
   * @param steps what {@link #steps} returned
   * @param samplesPerStep that every batch must be a multiple of; 0 if it is not known
   */
  static @Nullable Growth growth(
      TrainOptions options, @Nullable Steps steps, int samplesPerStep, Problems problems) {
    List<String> words = options.stepBatchSizeSchedule;
    if (words == null) {
      return rampup(options, samplesPerStep, problems);
    }
    problems.exclusive(STEPS, shown(words), RAMPUP, options.rampupBatchSize);
    if (steps == null) {
      problems.add(
          STEPS,
          shown(words),
          "TOKENS:SIZE TOKENS:SIZE ..., tokens from 0 on and each a sample or more after the one"
              + " before, sizes above 0",
          "Write it like --step-batch-size-schedule 0:768 250B:1536 500B:3072.");
      return null;
    }
    return fits(steps, options.globalBatchSize, samplesPerStep, shown(words), problems)
        ? steps
        : null;
  }

  private static String shown(List<String> words) {
    return words.isEmpty() ? "no value" : String.join(" ", words);
  }

  /**
   * Returns the schedule of {@code --step-batch-size-schedule}; null without the flag, or if it is
   * wrong. Tokens become samples, rounded down, as in Megatron.
   *
   * @param seqLength null if it is not known; then the numbers are samples
   */
  static @Nullable Steps steps(@Nullable List<String> words, @Nullable Integer seqLength) {
    if (words == null) {
      return null;
    }
    List<Step> steps = new ArrayList<>();
    try {
      for (String entry : String.join(" ", words).trim().split("[ ,]+", -1)) {
        String[] parts = entry.split(":", 2);
        if (parts.length < 2) {
          return null;
        }
        long tokens = number(parts[0]);
        long sample =
            seqLength == null || seqLength < 1 ? tokens : Math.floorDiv(tokens, seqLength);
        steps.add(new Step(sample, Math.toIntExact(number(parts[1]))));
      }
    } catch (ArithmeticException | NumberFormatException e) {
      return null;
    }
    steps.sort(Comparator.comparingLong(Step::fromSample));
    return isSchedule(steps) ? new Steps(steps) : null;
  }

  /** Reads a number that may end with K, M, B or T, cut to a whole one. */
  private static long number(String word) {
    String number = word.trim().toUpperCase(Locale.ROOT);
    int suffix = number.isEmpty() ? -1 : SUFFIXES.indexOf(number.charAt(number.length() - 1));
    String digits = suffix < 0 ? number : number.substring(0, number.length() - 1);
    double value = PythonNumbers.parseDouble(digits) * Math.pow(1000, suffix + 1);
    if (!(Math.abs(value) < Long.MAX_VALUE)) {
      throw new NumberFormatException(word);
    }
    return (long) value;
  }

  private static boolean isSchedule(List<Step> steps) {
    boolean rises = steps.get(0).fromSample() == 0;
    for (int i = 1; i < steps.size(); i++) {
      rises &= steps.get(i).fromSample() > steps.get(i - 1).fromSample();
    }
    return rises && steps.stream().allMatch(step -> step.batchSize() > 0);
  }

  private static boolean fits(
      Steps steps, @Nullable Integer full, int step, String shown, Problems problems) {
    int last = steps.all().get(steps.all().size() - 1).batchSize();
    if (full != null && full != last) {
      problems.add(
          STEPS,
          shown,
          "a last size that is --global-batch-size, " + full,
          "Leave --global-batch-size out.");
      return false;
    }
    if (step > 0 && steps.all().stream().anyMatch(one -> one.batchSize() % step != 0)) {
      problems.add(
          STEPS,
          shown,
          "sizes that are multiples of "
              + step
              + ", the samples of one micro-batch of each replica",
          "Change them or --micro-batch-size.");
      return false;
    }
    return true;
  }

  private static @Nullable Rampup rampup(
      TrainOptions options, int samplesPerStep, Problems problems) {
    List<String> words = options.rampupBatchSize;
    if (words == null) {
      return null;
    }
    Rampup rampup = parse(words);
    if (rampup == null) {
      problems.add(
          RAMPUP,
          shown(words),
          "three integers above 0: start, increment, samples",
          "Write it like --rampup-batch-size 16 8 300000.");
    } else if (options.globalBatchSize != null) {
      return fits(rampup, options.globalBatchSize, samplesPerStep, problems) ? rampup : null;
    }
    return rampup;
  }

  private static @Nullable Rampup parse(List<String> words) {
    try {
      if (words.size() != WORDS) {
        return null;
      }
      int start = PythonNumbers.parseInt(words.get(0));
      int increment = PythonNumbers.parseInt(words.get(1));
      long samples = PythonNumbers.parseLong(words.get(2));
      return start > 0 && increment > 0 && samples > 0
          ? new Rampup(start, increment, samples)
          : null;
    } catch (NumberFormatException e) {
      return null;
    }
  }

  private static boolean fits(Rampup rampup, int full, int step, Problems problems) {
    String shown = "%d %d %d".formatted(rampup.start(), rampup.increment(), rampup.samples());
    if (full <= rampup.start() || (full - rampup.start()) % rampup.increment() != 0) {
      problems.add(
          RAMPUP,
          shown,
          "a start that whole increments bring to --global-batch-size, " + full,
          "Change start, increment or --global-batch-size.");
      return false;
    }
    if (step > 0 && (rampup.start() % step != 0 || rampup.increment() % step != 0)) {
      problems.add(
          RAMPUP,
          shown,
          "start and increment that are multiples of %d, as --global-batch-size must be"
              .formatted(step),
          "Change them or --micro-batch-size.");
      return false;
    }
    return true;
  }

  /** Returns how many iterations a number of samples gives, in whole batches. */
  static long iterations(@Nullable Growth growth, int full, long samples) {
    long iterations = 0;
    long consumed = 0;
    while (growth != null
        && consumed <= growth.samples()
        && consumed + growth.batchSize(consumed, full) <= samples) {
      consumed += growth.batchSize(consumed, full);
      iterations++;
    }
    return iterations + (samples - consumed) / full;
  }
}
