package io.tanuki4j.comm;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.checkpoint.HostDevice;
import io.tanuki4j.comm.inprocess.RankThreads;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TextExchangeTest {
  private static final Duration LIMIT = Duration.ofSeconds(10);

  @Test
  void every_rank_gets_the_texts_of_all_in_their_order() {
    List<String> texts = List.of("", "狸", "a".repeat(5000), "four");
    RankThreads.run(
        4,
        LIMIT,
        seat -> {
          TextExchange ranks = exchange(seat);
          assertThat(ranks.size()).isEqualTo(4);
          assertThat(ranks.gather(texts.get(ranks.rank()))).isEqualTo(texts);
          assertThat(ranks.gather("")).containsOnly("").hasSize(4);
        });
  }

  @Test
  void a_rank_alone_hears_itself() {
    TextExchange alone =
        TextExchange.over(new SoloGroup("world", 0, new HostDevice()), new HostDevice());
    assertThat(alone.gather("x")).containsExactly("x");
    assertThat(alone.rank()).isZero();
    assertThat(alone.size()).isOne();
  }

  private static TextExchange exchange(RankConnection seat) {
    HostDevice device = new HostDevice();
    List<Integer> all = IntStream.range(0, seat.worldSize()).boxed().toList();
    ProcessGroup world = seat.processGroups(device).create("world", List.of(all));
    return TextExchange.over(world, device);
  }
}
