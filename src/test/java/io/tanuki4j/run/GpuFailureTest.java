package io.tanuki4j.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.backend.cuda.TestGpu;
import io.tanuki4j.comm.ChildProcesses;
import io.tanuki4j.comm.socket.LoopbackRanks;
import io.tanuki4j.kernel.Backend;
import io.tanuki4j.run.FaultyRank.Fault;
import io.tanuki4j.run.TinyLlama.Output;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What two ranks say when the GPU of one breaks: each a sentence, and both end. They share a GPU if
 * there is one only.
 */
@Tag("multi-gpu")
@Timeout(300)
class GpuFailureTest {
  private static final int NUM_RANKS = 2;
  private static final int FAULTY = 1;
  private static final int LAST_LINES = 24;
  private static final String ENDLESS = "--train-iters 100000 --eval-iters 0";

  @TempDir Path folder;

  /** What a rank printed, and its exit code. */
  private record Rank(List<String> output, int exitCode) {
    String sentence() {
      return output.stream()
          .filter(line -> line.matches("tanuki4j( pretrain)?: .*"))
          .findFirst()
          .orElseThrow(() -> new AssertionError(String.join("\n", output)));
    }
  }

  private static Map<String, String> environment(int rank, boolean shared) {
    Map<String, String> variables = new HashMap<>();
    variables.put("LOCAL_RANK", "" + (shared ? 0 : rank));
    variables.put("LOCAL_WORLD_SIZE", "" + NUM_RANKS);
    variables.put("NCCL_NVLS_ENABLE", "0");
    if (shared) {
      variables.put("TANUKI4J_RANKS_PER_GPU", "" + NUM_RANKS);
      variables.put("NCCL_HOSTID", "rank-" + rank);
      variables.put("NCCL_NET", "Socket");
      variables.put("NCCL_SOCKET_IFNAME", "lo");
      variables.put("NCCL_IB_DISABLE", "1");
      variables.put("NCCL_MNNVL_ENABLE", "0");
      variables.put("NCCL_MAX_CTAS", "2");
    }
    return variables;
  }

  private static boolean shareOneGpu() {
    try (Backend backend = TestGpu.backend()) {
      return backend.deviceCount() < NUM_RANKS;
    }
  }

  private List<Rank> run(Fault fault, Map<String, String> more, String... flags)
      throws IOException {
    boolean shared = shareOneGpu();
    long start = System.nanoTime();
    List<String> words = new ArrayList<>(List.of(FaultyRank.class.getName(), "" + fault));
    words.addAll(List.of("" + FAULTY, folder.resolve("cache").toString()));
    words.addAll(List.of(flags));
    try (ChildProcesses ranks =
        new ChildProcesses(
            NUM_RANKS,
            LoopbackRanks.freePort(),
            rank -> {
              Map<String, String> variables = environment(rank, shared);
              variables.putAll(more);
              return variables;
            },
            words.toArray(String[]::new))) {
      return IntStream.range(0, NUM_RANKS)
          .mapToObj(rank -> CompletableFuture.supplyAsync(() -> end(ranks, rank, fault, start)))
          .toList()
          .stream()
          .map(CompletableFuture::join)
          .toList();
    }
  }

  /** Waits for a rank, and shows its last words and when it ended. */
  private static Rank end(ChildProcesses ranks, int rank, Fault fault, long start) {
    List<String> output = ranks.rest(rank);
    try {
      Rank ended = new Rank(output, ranks.child(rank).waitFor());
      Duration taken = Duration.ofNanos(System.nanoTime() - start);
      List<String> last = output.subList(Math.max(0, output.size() - LAST_LINES), output.size());
      System.out.printf(
          "%s: rank %d ended after %.1f s with exit code %d%n  %s%n",
          fault, rank, taken.toMillis() / 1e3, ended.exitCode(), String.join("\n  ", last));
      return ended;
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void assertFailed(List<Rank> ranks, String reason) {
    for (Rank rank : ranks) {
      assertThat(rank.sentence()).contains(reason);
      assertThat(rank.exitCode()).isIn(1, 3);
    }
  }

  @Test
  void a_kernel_that_fails_ends_both_ranks() throws IOException {
    long start = System.nanoTime();
    List<Rank> ranks = run(Fault.TRAP, Map.of(), ENDLESS);
    assertFailed(ranks, "unspecified launch failure");
    assertThat(ranks.get(0).sentence()).contains("rank 1");
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(50));
  }

  @Test
  void a_gpu_that_hangs_ends_both_ranks_after_the_limit() throws IOException {
    assertFailed(run(Fault.HANG, Map.of(), ENDLESS), "is not over after 60 s");
  }

  @Test
  void memory_that_others_have_is_refused_before_the_run_begins() throws IOException {
    List<Rank> ranks = run(Fault.FULL, Map.of(), ENDLESS);
    assertFailed(ranks, "memory: ");
    if (!shareOneGpu()) { // else it is too little for both
      assertThat(ranks.get(0).sentence()).contains("rank 1 failed: ");
    }
  }

  @Test
  void memory_that_others_take_meanwhile_ends_both_ranks() throws IOException {
    List<Rank> ranks = run(Fault.FILLED, Map.of(), ENDLESS);
    assertFailed(ranks, "bytes more (expected: at most the ");
    assertThat(ranks.get(0).sentence()).contains("rank 1 failed: ");
  }

  @Test
  void ranks_train_without_a_way_between_their_gpus() throws IOException {
    List<Rank> direct = run(Fault.NONE, Map.of(), "");
    List<Rank> around = run(Fault.NONE, Map.of("NCCL_P2P_DISABLE", "1"), "");
    for (Rank rank : around) {
      assertThat(rank.exitCode()).as(String.join("\n", rank.output())).isZero();
    }
    String shown = String.join("\n", around.get(FAULTY).output());
    assertThat(new Output(shown).losses())
        .hasSize(12)
        .isEqualTo(new Output(String.join("\n", direct.get(FAULTY).output())).losses());
  }
}
