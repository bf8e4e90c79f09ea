package io.tanuki4j.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.error.UserException;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class LearnedPositionsTest {
  private static final int[] FROM_START = {0, 1, 2};

  /** What a rank has that shares a sequence of six with others. */
  private static final int[] TWO_PIECES = {1, 4};

  private final TestDevice device = new TestDevice();
  private final Parameter table = device.parameter("table", Shape.of(6, 2), 1);

  @AfterEach
  void close() {
    device.close();
  }

  private LearnedPositions layer(int... positions) {
    return new LearnedPositions(device.kernels(), table, positions);
  }

  @Test
  void each_token_gets_the_row_of_its_position() {
    device.write(table.value(), 0, 1, 10, 11, 20, 21, 30, 31, 40, 41, 50, 51);
    Tensor hidden = device.tensor(DType.F64, Shape.of(2, 2, 2), 1, 1, 2, 2, 3, 3, 4, 4);

    layer(TWO_PIECES).forward(hidden);

    assertThat(device.read(hidden)).containsExactly(11, 12, 12, 13, 43, 44, 44, 45);
  }

  @Test
  void shorter_sequences_begin_at_the_first_position() {
    device.write(table.value(), 0, 1, 10, 11, 20, 21, 30, 31, 40, 41, 50, 51);
    Tensor hidden = device.tensor(DType.F64, Shape.of(2, 1, 2), 1, 1, 2, 2);

    layer(FROM_START).forward(hidden);

    assertThat(device.read(hidden)).containsExactly(1, 2, 12, 13);
  }

  @Test
  void longer_sequences_and_parts_of_pieces_are_refused() {
    Tensor longer = device.tensor(DType.F64, Shape.of(4, 1, 2), new double[8]);
    Tensor part = device.tensor(DType.F64, Shape.of(1, 1, 2), new double[2]);
    assertThatThrownBy(() -> layer(FROM_START).forward(longer))
        .isInstanceOf(UserException.class)
        .hasMessageContaining("sequence of 4 tokens (expected: at most 3)");
    assertThatThrownBy(() -> layer(TWO_PIECES).forward(part))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void gradients_match_central_differences() {
    GradientCheck.ofLayer(device, new Added(device, layer(TWO_PIECES)), 2, 2, 2);
  }

  private record Added(TestDevice device, LearnedPositions positions) implements Layer<Tensor> {
    @Override
    public Tensor forward(Tensor out, Tensor x, Microbatch microbatch) {
      device.kernels().elementwise().copy(out, x);
      positions.forward(out);
      return x;
    }

    @Override
    public void backward(Tensor dx, Tensor x, Tensor dOut, Microbatch microbatch) {
      device.kernels().elementwise().copy(dx, dOut);
      positions.backward(dOut, microbatch);
    }

    @Override
    public List<Parameter> parameters() {
      return List.of(positions.table());
    }
  }
}
