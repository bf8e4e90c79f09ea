package io.tanuki4j.flags;

import io.tanuki4j.config.Problems;
import io.tanuki4j.config.PythonText;
import io.tanuki4j.optim.LossScaling;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The flags of {@link LossScaling}, which count with {@code --fp16} only. */
public final class LossScaleOptions {
  @Option(
      names = "--loss-scale",
      paramLabel = "X",
      description = "Multiplies the loss by a constant with --fp16 (default: one that adapts).")
  @Nullable Double lossScale;

  @Option(
      names = "--initial-loss-scale",
      paramLabel = "X",
      description = "First factor of the loss, if it adapts; it halves when gradients overflow.")
  double initialLossScale = 0x1p32;

  @Option(
      names = "--min-loss-scale",
      paramLabel = "X",
      description = "Smallest factor, if it adapts.")
  double minLossScale = 1;

  @Option(
      names = "--loss-scale-window",
      paramLabel = "N",
      description = "Iterations without an overflow after which the factor doubles.")
  double lossScaleWindow = 1000;

  @Option(
      names = "--hysteresis",
      paramLabel = "N",
      description = "Overflows since the last doubling after which each one halves the factor.")
  int hysteresis = 2;

  /**
   * Returns a line about flags that count with {@code --fp16} only.
   *
   * @param fp16 whether that is given
   */
  static Optional<String> withoutEffect(boolean fp16, Arguments arguments) {
    return Stream.of(
            "loss_scale", "initial_loss_scale", "min_loss_scale", "loss_scale_window", "hysteresis")
        .filter(dest -> !fp16 && arguments.isExplicit(dest))
        .map(dest -> "--" + dest.replace('_', '-'))
        .reduce((left, right) -> left + " " + right)
        .map(names -> "without effect, since --fp16 is not given: " + names);
  }

  void check(Problems problems) {
    if (lossScale != null && !(lossScale >= 0 && Double.isFinite(lossScale))) {
      problems.add(
          "--loss-scale", PythonText.of(lossScale), "above 0", "Leave it out for one that adapts.");
    }
    problems.positive("--min-loss-scale", minLossScale, "Megatron uses 1.");
    problems.positive("--loss-scale-window", lossScaleWindow, "Megatron uses 1000.");
    problems.positive("--hysteresis", hysteresis, "Megatron uses 2.");
    if (!(minLossScale <= initialLossScale && Double.isFinite(initialLossScale))) {
      problems.add(
          "--initial-loss-scale",
          PythonText.of(initialLossScale),
          "at least --min-loss-scale, " + PythonText.of(minLossScale),
          "Megatron uses 4294967296.");
    }
  }

  /** Returns whether the factor follows from the gradients; like Megatron, 0 means so, too. */
  boolean adapts() {
    return lossScale == null || lossScale == 0;
  }

  LossScaling toConfig() {
    return lossScale == null || lossScale == 0
        ? new LossScaling(initialLossScale, minLossScale, lossScaleWindow, hysteresis)
        : LossScaling.constant(lossScale);
  }
}
