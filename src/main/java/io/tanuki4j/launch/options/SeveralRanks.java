package io.tanuki4j.launch.options;

import io.tanuki4j.config.Problems;
import io.tanuki4j.config.PythonText;

/** Refuses what works on one rank only so far. */
final class SeveralRanks {
  private final PretrainOptions options;
  private final Problems problems;

  SeveralRanks(PretrainOptions options, Problems problems) {
    this.options = options;
    this.problems = problems;
  }

  void check() {
    int worldSize = options.distributed.worldSize();
    ParallelOptions parallel = options.parallel;
    refuse("--context-parallel-size", parallel.contextParallelSize, 1);
    if (worldSize == 1) {
      return;
    }
    refuse("data-parallel size", parallel.dataParallelSize(worldSize), 1);
    if (options.optimizer.clipGrad > 0) {
      refuse("--clip-grad", PythonText.of(options.optimizer.clipGrad), 0);
    }
    refuse("--log-params-norm", options.logging.logParamsNorm);
    refuse("--log-num-zeros-in-grad", options.logging.logNumZerosInGrad);
  }

  private void refuse(String flag, boolean given) {
    if (given) {
      problems.add(flag, "given", "not given with several ranks", "Leave it out.");
    }
  }

  private void refuse(String flag, Object value, int only) {
    if (!value.equals(only)) {
      problems.add(flag, value, only + ", with several ranks", "Others are not built.");
    }
  }
}
