package io.tanuki4j.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.backend.counting.CountingDevice;
import io.tanuki4j.comm.CommunicationException;
import io.tanuki4j.config.DistributedConfig;
import io.tanuki4j.config.DistributedConfig.Backend;
import io.tanuki4j.error.UserException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class RankLauncherTest {
  private static final DistributedConfig TWO_THREADS =
      new DistributedConfig(Backend.LOCAL, 2, 1, Duration.ofSeconds(20));

  /** What a rank closes may wait for the others, as NCCL's communicators do. */
  @Test
  void a_rank_that_fails_tells_the_others_before_it_closes_what_it_has() {
    CountDownLatch otherHasHeard = new CountDownLatch(1);
    AtomicReference<String> heard = new AtomicReference<>("nothing");

    assertThatThrownBy(
            () ->
                RankLauncher.run(
                    TWO_THREADS,
                    Map.of(),
                    line -> {},
                    (seat, closer) -> {
                      if (seat.globalRank() == 1) {
                        closer.add(() -> await(otherHasHeard));
                        throw new UserException("train data: all samples are consumed.");
                      }
                      try {
                        seat.processGroups(new CountingDevice())
                            .create("world", List.of(List.of(0, 1)))
                            .barrier();
                      } catch (CommunicationException e) {
                        heard.set(e.getMessage());
                        otherHasHeard.countDown();
                        throw e;
                      }
                    }))
        .isInstanceOf(UserException.class);

    assertThat(heard.get()).isEqualTo("rank 1 failed: train data: all samples are consumed.");
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(10, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
