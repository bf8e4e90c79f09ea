package io.tanuki4j.run;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.comm.RankConnection;
import io.tanuki4j.comm.inprocess.RankThreads;
import io.tanuki4j.error.UserException;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class BackendsTest {
  private static void requireGpus(int numRanks, int ranksPerGpu, int numGpus) {
    RankThreads.run(
        numRanks,
        Duration.ofSeconds(20),
        (RankConnection seat) -> Backends.requireGpus(seat, ranksPerGpu, numGpus));
  }

  @Test
  void a_rehearsal_needs_a_gpu_for_each_number_of_its_ranks() {
    requireGpus(4, 4, 4);
    assertThatThrownBy(() -> requireGpus(3, 2, 1))
        .isInstanceOf(UserException.class)
        .hasMessage("--ranks-per-gpu: 2 (expected: 3, for 3 ranks on 1 GPU). Give it to launch.");
  }
}
