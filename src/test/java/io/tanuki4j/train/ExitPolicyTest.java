package io.tanuki4j.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ProcessGroupFactory;
import io.tanuki4j.comm.RankConnection;
import io.tanuki4j.comm.inprocess.RankThreads;
import io.tanuki4j.nn.TestDevice;
import io.tanuki4j.parallel.Agreement;
import io.tanuki4j.train.TrainConfig.Batches;
import io.tanuki4j.train.TrainConfig.Evaluations;
import io.tanuki4j.train.TrainConfig.Exits;
import io.tanuki4j.train.TrainConfig.Length;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.Test;

/** Ranks are threads; each counts its iterations until it is to exit. */
class ExitPolicyTest {
  private static final Duration LIMIT = Duration.ofSeconds(20);
  private static final List<List<Integer>> ALL = List.of(List.of(0, 1, 2));
  private static final int IN_VAIN = 20;
  private static final long MINUTE = 60_000_000_000L;

  /** When and why a rank exits. */
  private record Exit(long iteration, String reason) {}

  private static TrainConfig config() {
    return new TrainConfig(
        new Batches(1, 3, 3, null),
        new Length(100, null, false),
        new Evaluations(10, 0),
        new Exits(null, 5.0),
        LossNormalization.MICROBATCHES,
        true,
        1);
  }

  private static List<Exit> exits(int rankWithSignal, LongSupplier[] clocks) {
    Map<Integer, Exit> exits = new ConcurrentHashMap<>();
    RankThreads.run(
        clocks.length,
        LIMIT,
        seat -> exits.put(seat.globalRank(), exit(seat, rankWithSignal, clocks)));
    return List.copyOf(new TreeMap<>(exits).values());
  }

  private static Exit exit(RankConnection seat, int rankWithSignal, LongSupplier[] clocks) {
    try (TestDevice device = new TestDevice();
        ProcessGroupFactory factory = seat.processGroups(device.device())) {
      ProcessGroup world = factory.create("world", ALL);
      StopRequest stop = new StopRequest();
      ExitPolicy policy =
          new ExitPolicy(
              config(),
              stop,
              clocks[seat.globalRank()],
              new Agreement(world, device.device(), device.scope()));
      for (int iteration = 1; iteration < IN_VAIN; iteration++) {
        if (iteration == 4 && seat.globalRank() == rankWithSignal) {
          stop.request("SIGTERM");
        }
        Optional<String> reason = policy.after(iteration);
        if (reason.isPresent()) {
          return new Exit(iteration, reason.get());
        }
      }
      return new Exit(IN_VAIN, "never");
    }
  }

  /** Stands still. */
  private static LongSupplier[] clocks() {
    return new LongSupplier[] {() -> 0, () -> 0, () -> 0};
  }

  @Test
  void a_signal_to_one_rank_ends_all_after_the_same_iteration() {
    List<Exit> exits = exits(1, clocks());
    assertThat(exits.stream().map(Exit::iteration).distinct())
        .hasSize(1)
        .allMatch(iteration -> iteration >= 4 && iteration <= 5);
    assertThat(exits.get(1).reason()).isEqualTo("exiting program after receiving SIGTERM.");
    assertThat(exits.get(0).reason())
        .isEqualTo("exiting program after receiving a signal on rank 1.");
  }

  @Test
  void the_clock_that_is_ahead_ends_all_after_the_same_iteration() {
    LongSupplier[] clocks = clocks();
    long[] now = {0};
    clocks[2] = () -> now[0] += MINUTE;
    List<Exit> exits = exits(-1, clocks);
    assertThat(exits.stream().map(Exit::iteration).distinct())
        .hasSize(1)
        .allMatch(iteration -> iteration < IN_VAIN);
    assertThat(exits.get(0).reason()).startsWith("exiting program after ").endsWith(" minutes");
  }
}
