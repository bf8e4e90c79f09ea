package io.tanuki4j.flags;

import io.tanuki4j.config.Problems;
import io.tanuki4j.config.PythonText;
import io.tanuki4j.optim.LossScaling;
import io.tanuki4j.optim.OptimizerConfig;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The flags of {@link OptimizerConfig}. */
public final class OptimizerOptions {
  @Option(
      names = "--adam-beta1",
      paramLabel = "X",
      description = "Share of the past in the mean of the gradients.")
  double adamBeta1 = 0.9;

  @Option(
      names = "--adam-beta2",
      paramLabel = "X",
      description = "Share of the past in the mean of their squares.")
  double adamBeta2 = 0.999;

  @Option(names = "--adam-eps", paramLabel = "X", description = "Added to the root of the latter.")
  double adamEps = 1e-8;

  @Option(
      names = "--clip-grad",
      paramLabel = "X",
      description = "Largest norm of the gradient; 0 for no clipping and no norm.")
  double clipGrad = 1.0;

  void check(Problems problems) {
    checkBeta("--adam-beta1", adamBeta1, "Llama uses 0.9.", problems);
    checkBeta("--adam-beta2", adamBeta2, "Llama uses 0.95.", problems);
    problems.positive("--adam-eps", adamEps, "Megatron uses 1e-8.");
    problems.notNegative("--clip-grad", clipGrad, "Write 0 for no clipping.");
  }

  private static void checkBeta(String flag, double beta, String remedy, Problems problems) {
    if (!(beta >= 0 && beta < 1)) {
      problems.add(flag, PythonText.of(beta), "0 or more, below 1", remedy);
    }
  }

  /**
   * @param lossScaling null if the loss is not scaled
   */
  OptimizerConfig toConfig(@Nullable LossScaling lossScaling) {
    return new OptimizerConfig(adamBeta1, adamBeta2, adamEps, clipGrad, lossScaling);
  }
}
