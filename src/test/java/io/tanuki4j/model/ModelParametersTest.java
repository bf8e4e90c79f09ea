package io.tanuki4j.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.model.ModelConfig.Attention;
import io.tanuki4j.model.ModelConfig.Recompute;
import io.tanuki4j.model.ModelConfig.Sizes;
import io.tanuki4j.model.ModelConfig.Training;
import io.tanuki4j.nn.ParameterSpec;
import io.tanuki4j.tensor.Shape;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Against numbers that Megatron-LM prints for Llama-3-8B. */
class ModelParametersTest {
  private static final int VOCAB_SIZE = 128256;

  @Test
  void llama_3_8b_has_megatrons_number_of_parameters() {
    assertThat(ModelParameters.count(llama3(8192, 32))).isEqualTo(8_030_261_248L);
    assertThat(ModelParameters.count(llama3(8192, 1)) - ModelParameters.count(llama3(8192, 0)))
        .isEqualTo(218_112_000L);
  }

  @Test
  void projections_are_packed_with_a_slice_for_each_part() {
    List<ParameterSpec> specs = ModelParameters.specs(llama3(8192, 1));
    ParameterSpec qkv = find(specs, "layers.0.attention.qkv.weight");
    ParameterSpec gateUp = find(specs, "layers.0.mlp.gate_up.weight");

    assertThat(qkv.shape()).isEqualTo(Shape.of(6144, 4096));
    assertThat(qkv.slices())
        .extracting(slice -> slice.name() + " " + slice.globalShape())
        .containsExactly(
            "layers.0.attention.q.weight [4096, 4096]",
            "layers.0.attention.k.weight [1024, 4096]",
            "layers.0.attention.v.weight [1024, 4096]");
    assertThat(gateUp.shape()).isEqualTo(Shape.of(28672, 4096));
    assertThat(gateUp.slices())
        .extracting(slice -> slice.name() + " " + slice.globalShape())
        .containsExactly(
            "layers.0.mlp.gate.weight [14336, 4096]", "layers.0.mlp.up.weight [14336, 4096]");
  }

  @Test
  void projections_back_into_the_residual_stream_start_smaller() {
    List<ParameterSpec> specs = ModelParameters.specs(llama3(8192, 32));
    assertThat(find(specs, "layers.31.attention.proj.weight").initialStd()).isEqualTo(0.0025);
    assertThat(find(specs, "layers.31.mlp.down.weight").initialStd()).isEqualTo(0.0025);
    assertThat(find(specs, "layers.31.attention.qkv.weight").initialStd()).isEqualTo(0.02);
    assertThat(find(specs, "output.weight").initialStd()).isEqualTo(0.02);
  }

  @Test
  void norms_start_as_one_and_do_not_decay() {
    assertThat(ModelParameters.specs(llama3(8192, 2)))
        .filteredOn(spec -> !spec.weightDecay())
        .allSatisfy(spec -> assertThat(spec.initialStd()).isEqualTo(ParameterSpec.ONES))
        .extracting(ParameterSpec::name)
        .containsExactly(
            "layers.0.attention.norm.weight",
            "layers.0.mlp.norm.weight",
            "layers.1.attention.norm.weight",
            "layers.1.mlp.norm.weight",
            "final_norm.weight");
  }

  @Test
  void tied_embeddings_leave_out_the_output_weight() {
    assertThat(ModelParameters.specs(TestConfig.PLAIN.config()))
        .extracting(ParameterSpec::name)
        .contains("output.weight");
    assertThat(ModelParameters.specs(new TestConfig(true, 1, 0, Recompute.NONE).config()))
        .extracting(ParameterSpec::name)
        .doesNotContain("output.weight");
  }

  @ParameterizedTest
  @CsvSource({"8192, 421645529382912", "4096, 197628625158144", "2048, 95515777695744"})
  void flops_are_those_of_megatrons_formula(int seqLength, long flopsPerSequence) {
    assertThat(seqLength * FlopsPerToken.of(llama3(seqLength, 32))).isEqualTo(flopsPerSequence);
  }

  private static ParameterSpec find(List<ParameterSpec> specs, String name) {
    return specs.stream().filter(spec -> spec.name().equals(name)).findFirst().orElseThrow();
  }

  static ModelConfig llama3(int seqLength, int numLayers) {
    return TestModels.llama(
        new Sizes(numLayers, 4096, 14336, VOCAB_SIZE, seqLength, seqLength),
        new Attention(32, 8, 128),
        false,
        new Training(0.02, 0, Recompute.NONE));
  }
}
