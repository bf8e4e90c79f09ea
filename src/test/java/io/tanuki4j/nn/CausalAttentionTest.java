package io.tanuki4j.nn;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CausalAttentionTest {
  private final TestDevice device = new TestDevice();

  @AfterEach
  void close() {
    device.close();
  }

  @ParameterizedTest(name = "{0} heads, {1} groups")
  @CsvSource({"2, 2", "4, 2", "3, 1"})
  void gradients_match_central_differences(int numHeads, int numQueryGroups) {
    CausalAttention layer =
        new CausalAttention(device.kernels().attention(), numHeads, numQueryGroups, 4);
    GradientCheck.ofLayer(device, layer, 5, (numHeads + 2 * numQueryGroups) * 4, numHeads * 4);
  }

  @Test
  void later_tokens_do_not_change_earlier_outputs() {
    CausalAttention layer = new CausalAttention(device.kernels().attention(), 2, 1, 4);
    Microbatch microbatch = device.microbatch(6, 1, 1, 1);
    Tensor qkv = device.random(Shape.of(6, 1, 16), 1);
    Tensor out = device.scope().allocate(Shape.of(6, 1, 8), DType.F64);
    layer.forward(out, qkv, microbatch);
    double[] before = device.read(out.rows(0, 5));

    double[] changed = new double[16];
    Arrays.fill(changed, 9);
    device.write(qkv.rows(5, 6), changed);
    layer.forward(out, qkv, microbatch);

    assertThat(device.read(out.rows(0, 5))).containsExactly(before);
  }
}
