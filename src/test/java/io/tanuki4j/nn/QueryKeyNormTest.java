package io.tanuki4j.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class QueryKeyNormTest {
  private static final double EPSILON = 1e-5;

  private final TestDevice device = new TestDevice();

  @AfterEach
  void close() {
    device.close();
  }

  private Norm norm(String name, int width, long seed) {
    Parameter weight = device.parameter(name, Shape.of(width), seed);
    return new RmsNorm(device.kernels(), weight, EPSILON);
  }

  @Test
  void each_query_and_key_is_normalised_alone_and_values_stay() {
    AttentionShape shape = new AttentionShape(1, 1, 2, 1, 2);
    Norm queries = norm("queries", 2, 1);
    Norm keys = norm("keys", 2, 2);
    device.write(queries.parameters().get(0).value(), 1, 10);
    device.write(keys.parameters().get(0).value(), 2, 2);
    Tensor qkv = device.tensor(DType.F64, Shape.of(1, 1, 8), 3, 3, -4, 4, 5, 5, 7, 9);

    new QueryKeyNorm(device.kernels().elementwise(), queries, keys)
        .forward(qkv, shape, device.microbatch(1, 1, 1, 1));

    double[] expected = {1, 10, -1, 10, 2, 2, 7, 9};
    assertThat(device.read(qkv)).containsExactly(expected, within(1e-5));
  }

  @Test
  void gradients_match_central_differences() {
    AttentionShape shape = new AttentionShape(3, 2, 4, 2, 5);
    QueryKeyNorm norm =
        new QueryKeyNorm(device.kernels().elementwise(), norm("queries", 5, 1), norm("keys", 5, 2));
    GradientCheck.ofLayer(
        device, new Packed(device, norm, shape), 3, shape.qkvSize(), shape.qkvSize());
  }

  /** On a copy, as the norm works in place. */
  private record Packed(TestDevice device, QueryKeyNorm norm, AttentionShape shape)
      implements Layer<QueryKeyNorm.Saved> {
    @Override
    public QueryKeyNorm.Saved forward(Tensor out, Tensor x, Microbatch microbatch) {
      device.kernels().elementwise().copy(out, x);
      return norm.forward(out, shape, microbatch);
    }

    @Override
    public void backward(Tensor dx, QueryKeyNorm.Saved saved, Tensor dOut, Microbatch microbatch) {
      device.kernels().elementwise().copy(dx, dOut);
      norm.backward(dx, saved, shape, microbatch);
    }

    @Override
    public List<Parameter> parameters() {
      return norm.parameters();
    }
  }
}
