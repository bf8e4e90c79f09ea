package io.tanuki4j.comm.inprocess;

import io.tanuki4j.comm.CopyingDevice;
import io.tanuki4j.comm.ProcessGroupContract;
import io.tanuki4j.comm.TestRanks;
import java.time.Duration;
import java.util.stream.IntStream;

/** The same over a device whose memory the host does not reach. */
class RankThreadsWithCopiesTest extends ProcessGroupContract {
  @Override
  protected IntStream worldSizes() {
    return IntStream.of(1, 3);
  }

  @Override
  protected void run(int numRanks, Duration limit, Body body) {
    RankThreads.run(
        numRanks,
        limit,
        seat -> TestRanks.run(device -> seat.processGroups(new CopyingDevice(device)), body));
  }
}
