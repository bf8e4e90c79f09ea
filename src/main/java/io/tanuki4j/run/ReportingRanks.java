package io.tanuki4j.run;

import io.tanuki4j.metrics.RunLog;
import io.tanuki4j.parallel.Axis;
import io.tanuki4j.parallel.RankGrid;

/**
 * Chooses the rank that reports something, as in Megatron. The first rank reports what the run
 * does. The last rank, which knows the loss, reports the training. One rank of each part of the
 * model reports what it holds.
 */
record ReportingRanks(boolean tells, boolean reports, boolean standsForPart) {
  static ReportingRanks of(RankGrid grid, int globalRank) {
    return new ReportingRanks(
        globalRank == 0,
        globalRank == grid.worldSize() - 1,
        grid.coordinate(globalRank, Axis.DP) == 0 && grid.coordinate(globalRank, Axis.CP) == 0);
  }

  /** Returns the log of this rank, which drops the lines that are another's to say. */
  RunLog log(RunLog console) {
    return new RunLog() {
      @Override
      public void message(String line) {
        if (tells) {
          console.message(line);
        }
      }

      @Override
      public void ofPart(String line) {
        if (standsForPart) {
          console.message(line);
        }
      }
    };
  }
}
