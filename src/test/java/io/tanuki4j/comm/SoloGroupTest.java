package io.tanuki4j.comm;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.comm.ProcessGroup.Send;
import io.tanuki4j.tensor.DType;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SoloGroupTest extends ProcessGroupContract {
  @Override
  protected IntStream worldSizes() {
    return IntStream.of(1);
  }

  @Override
  protected void run(int numRanks, Duration limit, Body body) {
    try {
      TestRanks.run(SoloWorld::new, body);
    } catch (Exception e) {
      throw e instanceof RuntimeException failure ? failure : new IllegalStateException(e);
    }
  }

  @Test
  void a_message_to_itself_needs_both_sides_in_one_exchange() {
    run(
        1,
        rank ->
            assertThatThrownBy(
                    () ->
                        rank.world()
                            .exchange(
                                List.of(new Send(rank.memory().filled(DType.F32, 1, 1), 0)),
                                List.of()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                    "exchange on group \"world\": rank 0 sends 1 messages to itself and receives 0"
                        + " (expected: as many)"));
  }
}
