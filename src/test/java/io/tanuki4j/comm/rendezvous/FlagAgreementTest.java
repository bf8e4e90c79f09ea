package io.tanuki4j.comm.rendezvous;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.backend.counting.CountingDevice;
import io.tanuki4j.comm.CommunicationException;
import io.tanuki4j.comm.ProcessGroupFactory;
import io.tanuki4j.comm.socket.LoopbackRanks;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class FlagAgreementTest {
  private static final int NUM_RANKS = 3;
  private static final Map<String, String> FLAGS =
      Map.of("--lr", "0.0001", "--seed", "1234", "--bf16", "given", "--split", "8, 1, 1");

  /** What each rank that fails says; ranks that have nothing against it go on to make groups. */
  private static List<String> failures(IntFunction<Map<String, String>> flags) {
    List<Integer> all = IntStream.range(0, NUM_RANKS).boxed().toList();
    List<String> failures = new CopyOnWriteArrayList<>();
    try {
      LoopbackRanks.run(
          NUM_RANKS,
          Duration.ofSeconds(20),
          seat -> {
            try {
              seat.requireSame(flags.apply(seat.globalRank()));
              try (ProcessGroupFactory groups = seat.processGroups(new CountingDevice())) {
                groups.create("world", List.of(all));
              }
            } catch (CommunicationException e) {
              failures.add(e.getMessage());
              throw e;
            }
          });
    } catch (CommunicationException e) {
      assertThat(failures).contains(e.getMessage());
    }
    return failures;
  }

  private static Map<String, String> with(Map<String, String> others) {
    Map<String, String> flags = new HashMap<>(FLAGS);
    flags.putAll(others);
    return flags;
  }

  @Test
  void ranks_with_the_same_flags_go_on() {
    assertThat(failures(rank -> new HashMap<>(FLAGS))).isEmpty();
  }

  @Test
  void a_rank_with_other_flags_ends_all_with_a_sentence_that_names_them() {
    Map<String, String> other = with(Map.of("--lr", "0.0002", "--split", ""));
    assertThat(failures(rank -> rank == 1 ? other : FLAGS))
        .hasSize(NUM_RANKS)
        .containsOnly(
            "rank 1 has --lr 0.0002, --split  (expected: --lr 0.0001, --split 8, 1, 1, as rank 0)."
                + " Start all ranks with the same flags.");
  }

  @Test
  void all_hear_of_the_first_difference_that_is_found_also_if_there_are_more() {
    List<String> failures =
        failures(rank -> rank == 0 ? FLAGS : with(Map.of("--profile", "rank " + rank)));
    assertThat(failures).hasSize(NUM_RANKS).containsOnly(failures.get(0));
    assertThat(failures.get(0))
        .matches(
            "rank ([12]) has --profile rank \\1 \\(expected: --profile unknown, as rank 0\\)\\."
                + " Start all ranks with the same flags\\.");
  }

  @Test
  void a_long_difference_is_cut() {
    Map<String, String> own = new HashMap<>();
    IntStream.range(0, 3000).forEach(i -> own.put("--flag-" + i, "0123456789".repeat(1000)));
    assertThat(failures(rank -> rank == 0 ? FLAGS : own))
        .hasSize(NUM_RANKS)
        .allSatisfy(
            sentence -> assertThat(sentence).contains("… and 2996 more (").hasSizeLessThan(4000));
  }
}
