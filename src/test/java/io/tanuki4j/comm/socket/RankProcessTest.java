package io.tanuki4j.comm.socket;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.comm.ChildProcesses;
import io.tanuki4j.comm.ChildRank;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Ranks that are real processes. */
@Tag("slow")
@Timeout(120)
class RankProcessTest {
  private static ChildProcesses start(int worldSize, int rounds) throws IOException {
    return start(worldSize, rounds, 60);
  }

  private static ChildProcesses start(int worldSize, int rounds, int limitSeconds)
      throws IOException {
    return start(worldSize, rounds, limitSeconds, -1);
  }

  private static ChildProcesses start(int worldSize, int rounds, int limitSeconds, int idler)
      throws IOException {
    return new ChildProcesses(
        worldSize,
        LoopbackRanks.freePort(),
        rank -> Map.of(),
        ChildRank.class.getName(),
        "" + rounds,
        "gloo",
        "" + limitSeconds,
        "" + idler);
  }

  @Test
  void processes_get_the_same_sums() throws Exception {
    try (ChildProcesses ranks = start(3, 5)) {
      List<String> hashes = new ArrayList<>();
      for (int rank = 0; rank < 3; rank++) {
        hashes.add(ranks.lineBeginningWith(rank, "hash "));
        assertThat(ranks.child(rank).waitFor()).isZero();
      }
      assertThat(hashes).hasSize(3).allMatch(hashes.get(0)::equals);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 0})
  void a_process_that_is_killed_ends_the_others_at_once_with_its_name(int victim) throws Exception {
    try (ChildProcesses ranks = start(3, Integer.MAX_VALUE)) {
      for (int rank = 0; rank < 3; rank++) {
        ranks.lineBeginningWith(rank, "started");
      }
      long start = System.nanoTime();
      ranks.child(victim).destroyForcibly();
      for (int rank = 0; rank < 3; rank++) {
        if (rank != victim) {
          assertThat(ranks.lineBeginningWith(rank, "rank ")).startsWith(sentence(victim));
          assertThat(ranks.child(rank).waitFor()).isEqualTo(1);
        }
      }
      assertThat(TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start)).isLessThan(10);
    }
  }

  /** Its connections stay open, so only the limit tells. */
  @Test
  void a_process_that_is_stopped_is_named_after_the_limit() throws Exception {
    try (ChildProcesses ranks = start(3, Integer.MAX_VALUE, 2)) {
      for (int rank = 0; rank < 3; rank++) {
        ranks.lineBeginningWith(rank, "started");
      }
      String stop = "kill -STOP " + ranks.child(1).pid();
      assertThat(new ProcessBuilder("sh", "-c", stop).start().waitFor()).isZero();
      for (int rank : new int[] {0, 2}) {
        assertThat(ranks.lineBeginningWith(rank, "all-reduce"))
            .contains("on group \"world\": ranks [0, 2] arrived, [1] did not within 2 s.");
        assertThat(ranks.child(rank).waitFor()).isEqualTo(1);
      }
    }
  }

  /** It waits for something that no failure ends. */
  @Test
  void a_process_that_is_stuck_stops_with_the_failure_of_the_others() throws Exception {
    try (ChildProcesses ranks = start(2, Integer.MAX_VALUE, 2, 1)) {
      String missing = "on group \"world\": ranks [0] arrived, [1] did not within 2 s.";
      assertThat(ranks.lineBeginningWith(0, "all-reduce")).contains(missing);
      long told = System.nanoTime();
      assertThat(ranks.lineBeginningWith(1, "tanuki4j: rank 1 is stuck and stops 20 s after"))
          .contains(missing);
      assertThat(ranks.child(1).waitFor()).isEqualTo(3);
      assertThat(TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - told)).isLessThan(30);
    }
  }

  private static String sentence(int victim) {
    return victim == 0
        ? "rank 0 is gone: "
        : "rank %d on 127.0.0.1 is gone: its connection to rank 0 has closed.".formatted(victim);
  }
}
