package io.tanuki4j.parallel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class StageLayersTest {
  @Test
  void layers_follow_the_virtual_stages() {
    StageLayers layers = StageLayers.even(16, 4, 2);
    assertThat(layers.count(1, 1)).isEqualTo(2);
    assertThat(layers.firstLayer(0, 0)).isZero();
    assertThat(layers.firstLayer(3, 0)).isEqualTo(6);
    assertThat(layers.firstLayer(0, 1)).isEqualTo(8);
    assertThat(layers.firstLayer(3, 1)).isEqualTo(14);
    assertThat(layers.numLayers()).isEqualTo(16);
  }

  @Test
  void uneven_ends_share_their_layers_among_their_chunks() {
    StageLayers layers = StageLayers.ofStages(List.of(2, 4, 6), 2);
    assertThat(layers.counts()).containsExactly(1, 2, 3, 1, 2, 3);
    assertThat(layers.firstLayer(1, 1)).isEqualTo(7);
  }

  @Test
  void refuses_layers_that_cannot_be_shared() {
    assertThatThrownBy(() -> StageLayers.even(10, 4, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("10 layers on 4 chunks (expected: a multiple)");
  }
}
