package io.tanuki4j.comm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.comm.ProcessGroup.Recv;
import io.tanuki4j.comm.ProcessGroup.ReduceOp;
import io.tanuki4j.comm.ProcessGroup.Send;
import io.tanuki4j.error.UserException;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** How groups of several ranks fail: with one sentence, the same on every rank. */
public abstract class ProcessGroupFailureContract extends ProcessGroupContract {
  /** Long enough for ranks to find each other. */
  protected abstract Duration shortLimit();

  protected static void sum(Rank rank) {
    sum(rank, 4);
  }

  protected static void sum(Rank rank, int count) {
    rank.world().allReduce(rank.memory().filled(DType.F32, 1, count), ReduceOp.SUM).await();
  }

  /** Lets a stuck rank go on once another has got its answer. */
  protected static void freeing(CountDownLatch stuck, Runnable work) {
    try {
      work.run();
    } finally {
      stuck.countDown();
    }
  }

  @Test
  void a_rank_that_does_not_arrive_is_named_after_the_limit() {
    CountDownLatch stuck = new CountDownLatch(1);
    assertThatThrownBy(
            () ->
                run(
                    3,
                    shortLimit(),
                    rank -> {
                      rank.world().barrier();
                      if (rank.index() == 2) {
                        stuck.await();
                      } else {
                        freeing(stuck, () -> sum(rank));
                      }
                    }))
        .isInstanceOf(CommunicationException.class)
        .hasMessageStartingWith(
            "all-reduce #2 on group \"world\": ranks [0, 1] arrived, [2] did not within %s. "
                .formatted(Durations.text(shortLimit())));
  }

  @Test
  void a_missing_message_is_named_after_the_limit() {
    CountDownLatch stuck = new CountDownLatch(1);
    assertThatThrownBy(
            () ->
                run(
                    2,
                    shortLimit(),
                    rank -> {
                      if (rank.index() == 0) {
                        stuck.await();
                      } else {
                        Tensor x = rank.memory().undefined(DType.F32, 4);
                        List<Recv> recvs = List.of(new Recv(x, 0));
                        freeing(stuck, () -> rank.world().exchange(List.of(), recvs).await());
                      }
                    }))
        .isInstanceOf(CommunicationException.class)
        .hasMessageStartingWith(
            "exchange #1 on group \"world\": ranks [1] arrived, [0] did not within %s. "
                .formatted(Durations.text(shortLimit())));
  }

  @Test
  void a_rank_that_has_ended_is_not_waited_for() {
    assertThatThrownBy(
            () ->
                run(
                    3,
                    rank -> {
                      if (rank.index() != 1) {
                        sum(rank);
                      }
                    }))
        .isInstanceOf(CommunicationException.class)
        .hasMessage("all-reduce #1 on group \"world\": ranks [1] have ended and did not arrive.");
  }

  @Test
  void a_rank_that_fails_ends_the_others_with_its_reason() {
    @Nullable String[] messages = new @Nullable String[3];
    UserException reason = new UserException("sample 7: no tokens.");
    assertThatThrownBy(
            () ->
                run(
                    3,
                    rank -> {
                      if (rank.index() == 1) {
                        rank.world().barrier();
                        throw reason;
                      }
                      messages[rank.index()] = failureOfTwoCalls(rank);
                    }))
        .isSameAs(reason);
    String expected = "rank 1 failed: sample 7: no tokens.";
    assertThat(messages).containsExactly(expected, null, expected);
  }

  /** Of a barrier that another rank may leave just before it dies, and of a sum without it. */
  private static @Nullable String failureOfTwoCalls(Rank rank) {
    try {
      rank.world().barrier();
      sum(rank);
      return null;
    } catch (CommunicationException e) {
      return e.getMessage();
    }
  }

  @Test
  void an_error_of_a_rank_reaches_the_caller() {
    assertThatThrownBy(
            () ->
                run(
                    2,
                    rank -> {
                      throw new AssertionError("rank " + rank.index());
                    }))
        .isInstanceOf(AssertionError.class);
  }

  @Test
  void a_failed_world_stays_failed() {
    @Nullable String[] messages = new @Nullable String[2];
    assertThatThrownBy(
            () ->
                run(
                    2,
                    rank -> {
                      if (rank.index() == 1) {
                        rank.world().barrier();
                        throw new UserException("no.");
                      }
                      for (int i = 0; i < messages.length; i++) {
                        messages[i] = failureOfTwoCalls(rank);
                      }
                    }))
        .hasMessage("no.");
    assertThat(messages).containsOnly("rank 1 failed: no.");
  }

  @Test
  void different_operations_end_with_a_sentence_at_once() {
    assertThatThrownBy(
            () ->
                run(
                    2,
                    rank -> {
                      rank.world().barrier();
                      if (rank.index() == 0) {
                        rank.world().barrier();
                      } else {
                        sum(rank);
                      }
                    }))
        .isInstanceOf(CommunicationException.class)
        .message()
        .isIn(
            "call #2 on group \"world\": ranks [0] called barrier, but rank 1 all-reduce (sum) of 4"
                + " F32. All ranks must make the same calls in the same order.",
            "call #2 on group \"world\": ranks [1] called all-reduce (sum) of 4 F32, but rank 0"
                + " barrier. All ranks must make the same calls in the same order.");
  }

  @Test
  void different_sizes_end_with_a_sentence_at_once() {
    assertThatThrownBy(() -> run(2, rank -> sum(rank, 4 + rank.index())))
        .isInstanceOf(CommunicationException.class)
        .hasMessageContaining("all-reduce (sum) of 4 F32")
        .hasMessageContaining("all-reduce (sum) of 5 F32");
  }

  @Test
  void messages_of_different_sizes_end_with_a_sentence_at_once() {
    assertThatThrownBy(
            () ->
                run(
                    2,
                    rank -> {
                      Tensor x = rank.memory().filled(DType.BF16, 1, 4 - rank.index());
                      if (rank.index() == 0) {
                        rank.world().exchange(List.of(new Send(x, 1)), List.of()).await();
                      } else {
                        rank.world().exchange(List.of(), List.of(new Recv(x, 0))).await();
                      }
                    }))
        .isInstanceOf(CommunicationException.class)
        .hasMessage(
            "exchange on group \"world\": rank 0 sends 4 BF16, rank 1 expects 3 BF16. Both sides must"
                + " agree.");
  }

  @Test
  void different_groups_end_with_a_sentence_at_once() {
    assertThatThrownBy(
            () ->
                run(
                    2,
                    rank ->
                        rank.factory()
                            .create(
                                rank.index() == 0 ? "tp" : "dp", List.of(List.of(0), List.of(1)))))
        .isInstanceOf(CommunicationException.class)
        .hasMessageStartingWith("groups #2: rank ")
        .hasMessageContaining("\"tp\" [[0], [1]]")
        .hasMessageContaining("\"dp\" [[0], [1]]");
  }
}
