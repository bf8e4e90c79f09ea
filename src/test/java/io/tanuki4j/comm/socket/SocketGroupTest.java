package io.tanuki4j.comm.socket;

import io.tanuki4j.comm.ProcessGroupFailureContract;
import io.tanuki4j.comm.TestRanks;
import java.time.Duration;
import java.util.stream.IntStream;

class SocketGroupTest extends ProcessGroupFailureContract {
  @Override
  protected IntStream worldSizes() {
    return IntStream.of(1, 2, 3, 4);
  }

  @Override
  protected Duration shortLimit() {
    return Duration.ofSeconds(2);
  }

  @Override
  protected void run(int numRanks, Duration limit, Body body) {
    LoopbackRanks.run(numRanks, limit, seat -> TestRanks.run(seat::processGroups, body));
  }
}
