package io.tanuki4j.comm;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.checkpoint.HostDevice;
import io.tanuki4j.comm.inprocess.RankThreads;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
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
  void texts_that_fit_into_a_place_need_no_other_memory() {
    RankThreads.run(
        3,
        LIMIT,
        seat -> {
          HostDevice device = new HostDevice();
          try (MemoryScope scope = device.openScope("place")) {
            Tensor place = scope.allocate(Shape.of(16), DType.I32);
            TextExchange ranks = TextExchange.over(world(seat, device), device, place);
            String own = "rank " + ranks.rank() + ", 狸";
            assertThat(ranks.gather(own)).containsExactly("rank 0, 狸", "rank 1, 狸", "rank 2, 狸");
            String longer = ("" + ranks.rank()).repeat(65); // 17 words
            assertThat(ranks.gather(longer).get(2)).isEqualTo("2".repeat(65));
          }
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
    return TextExchange.over(world(seat, device), device);
  }

  private static ProcessGroup world(RankConnection seat, HostDevice device) {
    List<Integer> all = IntStream.range(0, seat.worldSize()).boxed().toList();
    return seat.processGroups(device).create("world", List.of(all));
  }
}
