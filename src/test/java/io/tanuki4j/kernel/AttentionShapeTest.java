package io.tanuki4j.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import org.junit.jupiter.api.Test;

class AttentionShapeTest {
  @Test
  void a_token_has_query_heads_and_a_key_and_a_value_head_for_each_group() {
    AttentionShape shape = new AttentionShape(7, 3, 8, 2, 16);
    assertThat(shape.qkvSize()).isEqualTo((8 + 2 + 2) * 16);
    assertThat(shape.outSize()).isEqualTo(8 * 16);
  }

  @Test
  void rejects_groups_that_do_not_divide_the_heads() {
    assertThatThrownBy(() -> new AttentionShape(7, 3, 8, 3, 16))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("query groups: 3 (expected: a divisor of the 8 heads)");
  }
}
