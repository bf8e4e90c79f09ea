package io.tanuki4j.comm.rendezvous;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.comm.CommunicationException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class RendezvousTest {
  private static final Duration LIMIT = Duration.ofSeconds(10);
  private static final Duration SHORT = Duration.ofMillis(500);

  private final int port = freePort();
  private final List<Rendezvous> opened = new ArrayList<>();

  private static int freePort() {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  @AfterEach
  void close() {
    for (int i = opened.size() - 1; i >= 0; i--) { // rank 0, which is first, waits for the others
      opened.get(i).close();
    }
  }

  private RankEnvironment rank(int rank, int worldSize) {
    return rank(rank, worldSize, "token");
  }

  private RankEnvironment rank(int rank, int worldSize, String token) {
    MeetingPoint meeting =
        new MeetingPoint("127.0.0.1", port, RunKey.of("", token), null, MeetingPoint.JOIN_LIMIT);
    return new RankEnvironment(rank, worldSize, rank, worldSize, 1, meeting);
  }

  private static FutureTask<Rendezvous> join(RankEnvironment environment, Duration limit) {
    FutureTask<Rendezvous> task = new FutureTask<>(() -> Rendezvous.join(environment, limit));
    new Thread(task, "joining rank " + environment.globalRank()).start();
    return task;
  }

  /** All ranks of a run, in their order. */
  private List<Rendezvous> joinAll(int worldSize) throws Exception {
    List<FutureTask<Rendezvous>> tasks = new ArrayList<>();
    for (int rank = 0; rank < worldSize; rank++) {
      tasks.add(join(rank(rank, worldSize), LIMIT));
    }
    for (FutureTask<Rendezvous> task : tasks) {
      opened.add(task.get());
    }
    return opened;
  }

  private static String failure(FutureTask<Rendezvous> task) throws InterruptedException {
    try {
      task.get();
      return "none";
    } catch (ExecutionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      assertThat(cause).isInstanceOf(CommunicationException.class);
      return String.valueOf(cause.getMessage());
    }
  }

  private static String awaitFailure(Rendezvous rendezvous) {
    rendezvous.awaitFailure(LIMIT);
    return String.valueOf(rendezvous.failure());
  }

  @Test
  void values_reach_all_ranks_whether_asked_before_or_after() throws Exception {
    List<Rendezvous> ranks = joinAll(3);
    FutureTask<byte[]> early = new FutureTask<>(() -> ranks.get(2).await("id", 1));
    new Thread(early).start();
    ranks.get(1).set("id", "né".getBytes(UTF_8));
    assertThat(early.get()).isEqualTo("né".getBytes(UTF_8));
    assertThat(ranks.get(0).await("id", 1)).isEqualTo("né".getBytes(UTF_8));
    ranks.get(1).set("empty", new byte[0]);
    assertThat(ranks.get(0).await("empty", 1)).isEmpty();
  }

  @Test
  void a_value_that_nobody_sets_ends_the_run_after_the_limit() throws Exception {
    String expected =
        "rank 0 has waited 0.5 s for rank 1 to set \"id\". Look at the output of rank 1, which may be"
            + " stopped or busy.";
    FutureTask<Rendezvous> other = join(rank(1, 2), SHORT);
    opened.add(Rendezvous.join(rank(0, 2), SHORT));
    opened.add(other.get());
    assertThatThrownBy(() -> opened.get(0).await("id", 1))
        .isInstanceOf(CommunicationException.class)
        .hasMessage(expected);
    assertThat(awaitFailure(opened.get(1))).isEqualTo(expected);
  }

  @Test
  void ranks_that_do_not_come_are_named_on_all_that_did() throws Exception {
    FutureTask<Rendezvous> second = join(rank(2, 4), SHORT);
    FutureTask<Rendezvous> first = join(rank(0, 4), SHORT);
    String expected =
        "ranks [1, 3] have not joined within 0.5 s, ranks [0, 2] have. Look at their output, and"
            + " whether they reach 127.0.0.1:%d.";
    assertThat(failure(first)).isEqualTo(expected.formatted(port));
    assertThat(failure(second)).isEqualTo(expected.formatted(port));
  }

  @Test
  void another_world_size_ends_both_sides() throws Exception {
    FutureTask<Rendezvous> first = join(rank(0, 3), LIMIT);
    FutureTask<Rendezvous> second = join(rank(1, 4), LIMIT);
    String expected =
        "rank 1 on 127.0.0.1 has WORLD_SIZE 4 (expected: 3, as rank 0). Start all ranks with the same"
            + " number.";
    assertThat(failure(first)).isEqualTo(expected);
    assertThat(failure(second)).isEqualTo(expected);
  }

  @Test
  void two_processes_of_one_rank_end_both_sides() throws Exception {
    FutureTask<Rendezvous> first = join(rank(0, 3), LIMIT);
    FutureTask<Rendezvous> second = join(rank(1, 3), LIMIT);
    FutureTask<Rendezvous> third = join(rank(1, 3), LIMIT);
    String expected =
        "RANK: 1 on 127.0.0.1 (expected: a number from 0 to 2 that no other process has). Another"
            + " process has joined as this rank.";
    assertThat(failure(first)).isEqualTo(expected);
    assertThat(failure(second)).isEqualTo(expected);
    assertThat(failure(third)).isEqualTo(expected);
  }

  @Test
  void a_rank_of_another_run_is_refused_and_the_run_goes_on() throws Exception {
    FutureTask<Rendezvous> first = join(rank(0, 2), LIMIT);
    FutureTask<Rendezvous> stranger = join(rank(1, 2, "other"), SHORT);
    assertThat(failure(stranger))
        .isEqualTo(
            "rank 1: 127.0.0.1:%d belongs to another run, or has another secret. Choose another MASTER_PORT, and give all ranks the same secret."
                .formatted(port));
    FutureTask<Rendezvous> second = join(rank(1, 2), LIMIT);
    opened.add(first.get());
    opened.add(second.get());
    FutureTask<Rendezvous> late = join(rank(1, 2), SHORT);
    assertThat(failure(late)).startsWith("rank 1: rank 0 does not answer at 127.0.0.1:");
    opened.get(0).set("still", new byte[] {1});
    assertThat(opened.get(1).await("still", 0)).containsExactly(1);
  }

  @Test
  void a_rank_that_starts_again_waits_for_the_former_run_to_end() throws Exception {
    Rendezvous former = Rendezvous.join(rank(0, 1, "first"), LIMIT);
    FutureTask<Rendezvous> second = join(rank(1, 2, "second"), LIMIT);
    assertThat(second.isDone()).isFalse();
    former.close();
    opened.add(Rendezvous.join(rank(0, 2, "second"), LIMIT));
    opened.add(second.get());
  }

  @Test
  void what_is_no_rank_is_not_listened_to() throws Exception {
    FutureTask<Rendezvous> first = join(rank(0, 2), LIMIT);
    try (Socket stranger = MasterAddress.connect(rank(1, 2), System.nanoTime(), LIMIT)) {
      stranger.getOutputStream().write("GET / HTTP/1.1\r\n\r\n".getBytes(UTF_8));
      stranger.getOutputStream().write(new byte[Greeting.CALL_BYTES]);
      assertThat(isHungUp(stranger)).isTrue();
    }
    FutureTask<Rendezvous> second = join(rank(1, 2), LIMIT);
    opened.add(first.get());
    opened.add(second.get());
  }

  private static boolean isHungUp(Socket socket) {
    try {
      socket.getInputStream().readAllBytes();
      return true;
    } catch (IOException e) {
      return true; // reset, since it was not read to its end
    }
  }

  @Test
  void a_port_that_is_taken_is_named() throws Exception {
    try (ServerSocket taken = new ServerSocket(port, 1, InetAddress.getByName("127.0.0.1"))) {
      assertThat(taken.isBound()).isTrue();
      assertThatThrownBy(() -> Rendezvous.join(rank(0, 1), LIMIT))
          .isInstanceOf(CommunicationException.class)
          .hasMessageStartingWith(
              "MASTER_PORT: %d (expected: a free port of this machine".formatted(port));
    }
  }

  @Test
  void a_program_that_only_listens_at_the_port_is_named() throws Exception {
    try (ServerSocket silent = new ServerSocket(port, 9, InetAddress.getByName("127.0.0.1"))) {
      assertThat(silent.isBound()).isTrue();
      assertThat(failure(join(rank(1, 2), SHORT)))
          .isEqualTo(
              "rank 1: 127.0.0.1:%d takes connections but says nothing: it is stopped, or another program holds the port. Look at the output of rank 0, or choose another MASTER_PORT."
                  .formatted(port));
    }
  }

  @Test
  void a_master_that_does_not_answer_is_named() {
    assertThatThrownBy(() -> Rendezvous.join(rank(1, 2), SHORT))
        .isInstanceOf(CommunicationException.class)
        .hasMessageStartingWith(
            "rank 1: rank 0 does not answer at 127.0.0.1:%d within 0.5 s (".formatted(port))
        .hasMessageEndingWith("Check MASTER_ADDR and MASTER_PORT, and whether rank 0 runs.");
  }

  @Test
  void a_failure_reaches_every_rank_with_one_sentence() throws Exception {
    List<Rendezvous> ranks = joinAll(3);
    Semaphore heard = new Semaphore(0);
    ranks.get(2).onFailure(heard::release);
    ranks.get(1).fail("rank 1 failed: out of cheese.");
    ranks.get(1).fail("and more.");
    for (Rendezvous each : ranks) {
      assertThat(awaitFailure(each)).isEqualTo("rank 1 failed: out of cheese.");
      assertThatThrownBy(() -> each.set("key", new byte[0]))
          .isInstanceOf(CommunicationException.class);
    }
    assertThat(heard.tryAcquire(LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
    ranks.get(2).onFailure(heard::release);
    assertThat(heard.availablePermits()).isEqualTo(1);
  }

  @Test
  void a_rank_that_vanishes_is_noticed_by_all() throws Exception {
    FutureTask<Rendezvous> first = join(rank(0, 3), LIMIT);
    FutureTask<Rendezvous> second = join(rank(1, 3), LIMIT);
    Socket socket = MasterAddress.connect(rank(2, 3), System.nanoTime(), LIMIT);
    try (RendezvousConnection vanishing = new RendezvousConnection(socket)) {
      Call call = new Call(Call.Purpose.RENDEZVOUS, 2, 0, 3);
      Greeting.call(socket, RunKey.of("", "token"), call, LIMIT);
      assertThat(vanishing.read().kind()).isEqualTo(RendezvousMessage.Kind.WELCOME);
      assertThat(vanishing.read().kind()).isEqualTo(RendezvousMessage.Kind.COMPLETE);
      opened.add(first.get());
      opened.add(second.get());
    }
    for (Rendezvous each : opened) {
      assertThat(awaitFailure(each))
          .isEqualTo(
              "rank 2 on 127.0.0.1 is gone: its connection to rank 0 has closed. Look at the end of"
                  + " its output.");
    }
  }

  @Test
  void ranks_that_leave_when_their_work_is_done_are_no_failure() throws Exception {
    List<Rendezvous> ranks = joinAll(3);
    ranks.get(1).close();
    ranks.get(2).set("after", new byte[] {7});
    assertThat(ranks.get(0).await("after", 2)).containsExactly(7);
    assertThat(ranks.get(0).failure()).isNull();
  }
}
