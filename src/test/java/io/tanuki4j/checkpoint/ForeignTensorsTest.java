package io.tanuki4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.checkpoint.ForeignCheckpoints.Check;
import io.tanuki4j.checkpoint.ForeignCheckpoints.Content;
import io.tanuki4j.checkpoint.TrainState.StateKind;
import io.tanuki4j.comm.TextExchange;
import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ForeignTensorsTest {
  private static final int[] BYTES = {100, 10, 10, 70, 20, 5};

  private final AtomicIntegerArray verified = new AtomicIntegerArray(BYTES.length);
  private final AtomicIntegerArray bytes = new AtomicIntegerArray(3);

  private record Rank(int rank, int size) implements TextExchange {
    @Override
    public List<String> gather(String own) {
      throw new IllegalStateException("no rank needs another's answer");
    }
  }

  private ForeignTensors open(int rank, int damaged) {
    List<Check> checks =
        IntStream.range(0, BYTES.length).mapToObj(i -> check(rank, i, damaged)).toList();
    TrainState state = new TrainState(1, 1, 0, 0, Map.of(), Map.of(), Map.of());
    Content content = new Content(state, List.of(), "", checks, () -> {});
    return new ForeignTensors(Path.of("m"), StateKind.MODEL, content, new Rank(rank, 3));
  }

  private Check check(int rank, int number, int damaged) {
    return new Check() {
      @Override
      public long numBytes() {
        return BYTES[number];
      }

      @Override
      public void verify() {
        verified.incrementAndGet(number);
        bytes.addAndGet(rank, BYTES[number]);
        if (number == damaged) {
          throw new UserException("the checksum is wrong");
        }
      }
    };
  }

  @Test
  void each_checksum_is_compared_by_one_rank() throws IOException {
    for (int rank = 0; rank < 3; rank++) {
      open(rank, -1).verify();
    }
    assertThat(verified).hasToString("[1, 1, 1, 1, 1, 1]");
    assertThat(bytes).hasToString("[100, 80, 35]");
  }

  @Test
  void damage_is_what_the_rank_that_compares_it_reports() throws IOException {
    open(0, 4).verify();
    open(1, 4).verify();
    assertThatThrownBy(() -> open(2, 4).verify())
        .isInstanceOf(UserException.class)
        .hasMessage("the checksum is wrong");
  }
}
