package io.tanuki4j.comm.nccl;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.comm.ChildProcesses;
import io.tanuki4j.comm.ChildRank;
import io.tanuki4j.comm.socket.LoopbackRanks;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Ranks that are processes on one GPU: NCCL takes them for machines of their own. */
@Tag("gpu")
@Timeout(300)
class NcclGroupTest {
  private static final int NUM_RANKS = 3;

  private static Map<String, String> sharingOneGpu(int rank) {
    return Map.of(
        "NCCL_HOSTID", "rank-" + rank,
        "NCCL_SOCKET_IFNAME", "lo",
        "NCCL_NET", "Socket",
        "NCCL_IB_DISABLE", "1",
        "NCCL_MNNVL_ENABLE", "0",
        "NCCL_MAX_CTAS", "2",
        "NCCL_NVLS_ENABLE", "0");
  }

  /** The first of a row of ports that the system does not give to NCCL's own connections. */
  private static int portOfContract() {
    return 20_000 + (int) (ProcessHandle.current().pid() % 10_000);
  }

  private static ChildProcesses start(int port, String... mainAndArguments) throws IOException {
    return new ChildProcesses(NUM_RANKS, port, NcclGroupTest::sharingOneGpu, mainAndArguments);
  }

  private static ChildProcesses startSumming(int limitSeconds, int idler) throws IOException {
    return start(
        LoopbackRanks.freePort(),
        ChildRank.class.getName(),
        "" + Integer.MAX_VALUE,
        "nccl",
        "" + limitSeconds,
        "" + idler);
  }

  @Test
  void keeps_the_contract_of_process_groups() throws Exception {
    try (ChildProcesses ranks =
        start(
            portOfContract(),
            "org.junit.platform.console.ConsoleLauncher",
            "execute",
            "--disable-banner",
            "--details=summary",
            "--include-classname=.*",
            "-c",
            NcclContractInOneRank.class.getName())) {
      for (int rank = 0; rank < NUM_RANKS; rank++) {
        List<String> output = ranks.rest(rank);
        assertThat(ranks.child(rank).waitFor()).as("rank %d: %s", rank, output).isZero();
        assertThat(output).noneMatch(line -> line.matches(".*\\[ +0 tests successful.*"));
      }
    }
  }

  @Test
  void a_process_that_is_killed_ends_the_others_with_its_name() throws Exception {
    try (ChildProcesses ranks = startSumming(60, -1)) {
      for (int rank = 0; rank < NUM_RANKS; rank++) {
        ranks.lineBeginningWith(rank, "started");
      }
      long start = System.nanoTime();
      ranks.child(1).destroyForcibly();
      for (int rank : new int[] {0, 2}) {
        assertThat(ranks.lineBeginningWith(rank, "rank 1 ")).contains("is gone");
        assertThat(ranks.child(rank).waitFor()).isEqualTo(1);
      }
      assertThat(TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start)).isLessThan(30);
    }
  }

  @Test
  void a_rank_that_does_not_take_part_is_missed_after_the_limit() throws Exception {
    try (ChildProcesses ranks = startSumming(15, 1)) {
      for (int rank : new int[] {0, 2}) {
        assertThat(ranks.lineBeginningWith(rank, "rank "))
            .contains(
                "all-reduce (sum) of 10001 F32 in group \"world\" of ranks [0, 1, 2] is not over after"
                    + " 15 s");
        assertThat(ranks.child(rank).waitFor()).isEqualTo(1);
      }
    }
  }
}
