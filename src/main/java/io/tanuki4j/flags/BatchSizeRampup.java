package io.tanuki4j.flags;

import io.tanuki4j.config.Problems;
import io.tanuki4j.train.TrainConfig.Rampup;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads {@code --rampup-batch-size START INCREMENT SAMPLES}. */
final class BatchSizeRampup {
  private static final String FLAG = "--rampup-batch-size";
  private static final int WORDS = 3;

  private BatchSizeRampup() {}

  /**
   * Returns the ramp-up; null without the flag, or if it is wrong.
   *
   * @param samplesPerStep that every batch must be a multiple of; 0 if it is not known
   */
  static @Nullable Rampup parse(TrainOptions options, int samplesPerStep, Problems problems) {
    List<String> words = options.rampupBatchSize;
    if (words == null) {
      return null;
    }
    Rampup rampup = parse(words);
    if (rampup == null) {
      problems.add(
          FLAG,
          words.isEmpty() ? "no value" : String.join(" ", words),
          "three integers above 0: start, increment, samples",
          "Write it like --rampup-batch-size 16 8 300000.");
    } else if (options.trainIters != null) {
      problems.add(
          FLAG,
          String.join(" ", words),
          "--train-samples, not --train-iters",
          "Give the length of the run with --train-samples.");
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
          FLAG,
          shown,
          "a start that whole increments bring to --global-batch-size, " + full,
          "Change start, increment or --global-batch-size.");
      return false;
    }
    if (step > 0 && (rampup.start() % step != 0 || rampup.increment() % step != 0)) {
      problems.add(
          FLAG,
          shown,
          "start and increment that are multiples of %d, as --global-batch-size must be"
              .formatted(step),
          "Change them or --micro-batch-size.");
      return false;
    }
    return true;
  }

  /** Returns how many iterations a number of samples gives, in whole batches. */
  static long iterations(@Nullable Rampup rampup, int full, long samples) {
    long iterations = 0;
    long consumed = 0;
    while (rampup != null
        && consumed <= rampup.samples()
        && consumed + rampup.batchSize(consumed, full) <= samples) {
      consumed += rampup.batchSize(consumed, full);
      iterations++;
    }
    return iterations + (samples - consumed) / full;
  }
}
