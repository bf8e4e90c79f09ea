package io.tanuki4j.launch.options;

import io.tanuki4j.config.Problems;
import io.tanuki4j.metrics.LoggingConfig;
import picocli.CommandLine.Option;

/** The flags of {@link LoggingConfig}. */
public final class LoggingOptions {
  @Option(
      names = "--log-interval",
      paramLabel = "N",
      description = "Iterations between the lines of the log.")
  int logInterval = 100;

  @Option(names = "--log-throughput", description = "Adds TFLOP/s to the line.")
  boolean logThroughput;

  @Option(names = "--log-params-norm", description = "Adds the norm of the weights to the line.")
  boolean logParamsNorm;

  @Option(
      names = "--log-num-zeros-in-grad",
      description = "Adds the number of zeros in the gradient to the line.")
  boolean logNumZerosInGrad;

  void check(Problems problems) {
    problems.positive("--log-interval", logInterval, "Write 1 for a line per iteration.");
  }

  LoggingConfig toConfig() {
    return new LoggingConfig(logInterval, logThroughput, logParamsNorm, logNumZerosInGrad);
  }
}
