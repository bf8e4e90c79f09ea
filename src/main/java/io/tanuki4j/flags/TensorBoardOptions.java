package io.tanuki4j.flags;

import io.tanuki4j.config.Problems;
import io.tanuki4j.metrics.tensorboard.TensorBoardConfig;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The flags of {@link TensorBoardConfig}. */
public final class TensorBoardOptions {
  @Option(
      names = "--tensorboard-dir",
      paramLabel = "DIR",
      description = "Writes curves for TensorBoard there.")
  @Nullable Path tensorboardDir;

  @Option(
      names = "--tensorboard-log-interval",
      paramLabel = "N",
      description = "Iterations from one point of TensorBoard's curves to the next.")
  int tensorboardLogInterval = 1;

  @Option(
      names = "--log-timers-to-tensorboard",
      description = "Adds times and throughput to TensorBoard.")
  boolean logTimersToTensorboard;

  @Option(
      names = "--log-validation-ppl-to-tensorboard",
      description = "Adds the perplexity of evaluations to TensorBoard.")
  boolean logValidationPplToTensorboard;

  @Option(
      names = "--log-memory-to-tensorboard",
      description = "Adds the device's memory to TensorBoard.")
  boolean logMemoryToTensorboard;

  @Option(
      names = "--log-world-size-to-tensorboard",
      description = "Adds the number of ranks to TensorBoard.")
  boolean logWorldSizeToTensorboard;

  @Option(
      names = {"--no-log-loss-scale-to-tensorboard", "--disable-log-loss-scale-to-tensorboard"},
      description = "Leaves the loss scale out of TensorBoard.")
  boolean logLossScaleToTensorboard = true;

  void check(Problems problems) {
    problems.positive(
        "--tensorboard-log-interval", tensorboardLogInterval, "Write 1 for every iteration.");
  }

  @Nullable TensorBoardConfig toConfig() {
    return tensorboardDir == null
        ? null
        : new TensorBoardConfig(
            tensorboardDir,
            tensorboardLogInterval,
            logTimersToTensorboard,
            logValidationPplToTensorboard,
            logMemoryToTensorboard,
            logWorldSizeToTensorboard,
            logLossScaleToTensorboard);
  }
}
