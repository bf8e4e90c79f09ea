package io.tanuki4j.parallel;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.backend.cpu.CpuBackend;
import io.tanuki4j.comm.ProcessGroupFactory;
import io.tanuki4j.comm.inprocess.RankThreads;
import io.tanuki4j.kernel.Backend;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.MemoryScope;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class AgreementTest {
  private static void agree(int numRanks, Consumer<Agreement> hosts) {
    List<Integer> all = IntStream.range(0, numRanks).boxed().toList();
    RankThreads.run(
        numRanks,
        Duration.ofSeconds(10),
        seat -> {
          try (Backend backend = new CpuBackend(1);
              Device device = backend.openDevice(0);
              ProcessGroupFactory groups = seat.processGroups(device);
              MemoryScope scope = device.openScope("test")) {
            hosts.accept(new Agreement(groups.create("world", List.of(all)), device, scope));
          }
        });
  }

  @Test
  void all_ranks_get_the_largest_number() {
    agree(3, hosts -> assertThat(hosts.largest(hosts.rank() == 1 ? 7 : 2)).isEqualTo(7));
  }

  @Test
  void what_is_asked_later_is_the_answer_of_the_time_before() {
    agree(
        2,
        hosts -> {
          assertThat(hosts.largestBefore(hosts.rank())).isZero();
          assertThat(hosts.largestBefore(0)).isEqualTo(1);
          assertThat(hosts.largest(5)).isEqualTo(5);
          assertThat(hosts.largest(6)).isEqualTo(6);
          assertThat(hosts.largestBefore(3 + hosts.rank())).isZero();
          assertThat(hosts.largestBefore(0)).isEqualTo(4);
        });
  }

  @Test
  void a_rank_alone_has_its_own_number_at_once() {
    agree(1, hosts -> assertThat(hosts.largestBefore(2)).isEqualTo(2));
  }
}
