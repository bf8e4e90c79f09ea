package io.tanuki4j.comm.inprocess;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.comm.ProcessGroup.ReduceOp;
import io.tanuki4j.comm.ProcessGroup.Work;
import io.tanuki4j.comm.ProcessGroupFailureContract;
import io.tanuki4j.comm.TestRanks;
import io.tanuki4j.error.UserException;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RankThreadsTest extends ProcessGroupFailureContract {
  @Override
  protected IntStream worldSizes() {
    return IntStream.of(1, 2, 3, 4);
  }

  @Override
  protected Duration shortLimit() {
    return Duration.ofMillis(200);
  }

  @Override
  protected void run(int numRanks, Duration limit, Body body) {
    RankThreads.run(numRanks, limit, seat -> TestRanks.run(seat::processGroups, body));
  }

  @Test
  void the_place_of_a_missing_rank_is_told() {
    CountDownLatch stuck = new CountDownLatch(1);
    assertThatThrownBy(
            () ->
                run(
                    2,
                    shortLimit(),
                    rank -> {
                      if (rank.index() == 1) {
                        stuck.await();
                      } else {
                        freeing(stuck, rank.world()::barrier);
                      }
                    }))
        .hasMessageContaining("[1] did not within 0.2 s. Rank 1 is in Unsafe.park (Unsafe.java");
  }

  @Test
  void memory_closed_by_a_failing_rank_is_safe_until_the_others_are_through() {
    for (int round = 0; round < 20; round++) {
      assertThatThrownBy(
              () ->
                  run(
                      3,
                      Duration.ofSeconds(30),
                      rank -> {
                        Tensor x = rank.memory().filled(DType.F32, 1, 1 << 20);
                        Work work = rank.world().allReduce(x, ReduceOp.SUM);
                        if (rank.index() == 1) {
                          throw new UserException("no.");
                        }
                        work.await();
                        rank.world().barrier();
                      }))
          .hasMessage("no.");
    }
  }
}
