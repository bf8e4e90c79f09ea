package io.tanuki4j.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.comm.ProcessGroupFactory;
import io.tanuki4j.comm.RankConnection;
import io.tanuki4j.comm.inprocess.RankThreads;
import io.tanuki4j.error.UserException;
import io.tanuki4j.nn.TestDevice;
import io.tanuki4j.parallel.Agreement;
import io.tanuki4j.parallel.ParallelContext;
import io.tanuki4j.parallel.ParallelDims;
import io.tanuki4j.parallel.RankGrid;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class RankTurnsTest {
  private static final int NUM_RANKS = 3;

  /** Shorter than the work. */
  private static final Duration LIMIT = Duration.ofMillis(900);

  private final List<String> events = Collections.synchronizedList(new ArrayList<>());

  private void run(Duration limit, IntFunction<String> work) {
    RankThreads.run(NUM_RANKS, limit, seat -> run(seat, work));
  }

  private void run(RankConnection seat, IntFunction<String> work) {
    try (TestDevice device = new TestDevice();
        ProcessGroupFactory factory = seat.processGroups(device.device())) {
      RankGrid grid = new RankGrid(ParallelDims.of(1, 1, NUM_RANKS, 1));
      ParallelContext context = ParallelContext.create(grid, factory);
      Agreement agreement = new Agreement(context.world(), device.device(), device.scope());
      RankTurns turns = new RankTurns(seat, agreement);
      events.add(turns.run(() -> work.apply(seat.globalRank())));
    }
  }

  @Test
  void the_first_rank_is_done_before_the_others_begin_however_long_it_takes() {
    run(
        LIMIT,
        rank -> {
          events.add("begin " + rank);
          if (rank == 0) {
            sleep(2 * LIMIT.toMillis());
            events.add("made");
          }
          return "end " + rank;
        });
    assertThat(events.subList(0, 2)).containsExactly("begin 0", "made");
    assertThat(events)
        .containsExactlyInAnyOrder(
            "begin 0", "begin 1", "begin 2", "made", "end 0", "end 1", "end 2");
  }

  private static void sleep(long millis) {
    try {
      TimeUnit.MILLISECONDS.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void a_failure_is_everyones() {
    assertThatThrownBy(
            () ->
                run(
                    Duration.ofSeconds(20),
                    rank -> {
                      throw new UserException("corpus: damaged");
                    }))
        .isInstanceOf(UserException.class)
        .hasMessage("corpus: damaged");
    assertThat(events).isEmpty();
  }
}
