package io.tanuki4j.nn;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class EmbeddingTest {
  private final TestDevice device = new TestDevice();

  @AfterEach
  void close() {
    device.close();
  }

  @Test
  void takes_the_row_of_each_token() {
    Parameter weight = device.parameter("weight", Shape.of(3, 2), 1);
    device.write(weight.value(), 1, 2, 3, 4, 5, 6);
    Microbatch microbatch = device.microbatch(3, 1, 3, 1);
    device.write(microbatch.tokens(), 2, 0, 2);

    Tensor out = device.scope().allocate(Shape.of(3, 1, 2), DType.F64);
    new Embedding(device.kernels(), weight, false).forward(out, microbatch);

    assertThat(device.read(out)).containsExactly(5, 6, 1, 2, 5, 6);
  }

  @Test
  void adds_the_gradients_of_equal_tokens() {
    Parameter weight = device.parameter("weight", Shape.of(3, 2), 1);
    device.write(weight.grad(), 0, 0, 7, 7, 0, 0);
    Microbatch microbatch = device.microbatch(3, 1, 3, 1);
    device.write(microbatch.tokens(), 2, 0, 2);
    Tensor dOut = device.tensor(DType.F64, Shape.of(3, 1, 2), 1, 2, 3, 4, 10, 20);

    new Embedding(device.kernels(), weight, false).backward(dOut, microbatch);

    assertThat(device.read(weight.grad())).containsExactly(3, 4, 7, 7, 11, 22);
  }
}
