package io.tanuki4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.error.UserException;
import io.tanuki4j.model.ModelConfig.Recompute;
import io.tanuki4j.nn.Initializer;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.nn.ParameterSpec;
import io.tanuki4j.nn.TestDevice;
import io.tanuki4j.parallel.ParallelDims;
import io.tanuki4j.parallel.RankGrid;
import io.tanuki4j.parallel.StageLayers;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TensorShardsTest {
  /** Numbers that Megatron-LM prints for Llama-3-8B with vocabularies padded to 128 · tp. */
  @ParameterizedTest
  @CsvSource({"2, 128256, 4015263744", "4, 128512, 2008289280", "8, 129024, 1004802048"})
  void a_rank_of_llama_3_8b_has_megatrons_number_of_parameters(
      int tp, int vocabSize, long numParameters) {
    ModelConfig config = ModelParametersTest.llama3(8192, 32).withVocabSize(vocabSize);
    RankGrid grid = new RankGrid(ParallelDims.of(tp, 1, 1, 1));
    List<ParameterSpec> specs =
        ModelParameters.specs(config, StageLayers.even(32, 1, 1), grid, tp - 1);
    assertThat(specs.stream().mapToLong(spec -> spec.shape().numElements()).sum())
        .isEqualTo(numParameters);
  }

  @Test
  void a_rank_has_whole_heads_and_gate_rows_with_their_up_rows() {
    ModelConfig config = ModelParametersTest.llama3(8192, 1);
    RankGrid grid = new RankGrid(ParallelDims.of(4, 1, 1, 1));
    List<ParameterSpec> specs = ModelParameters.specs(config, StageLayers.even(1, 1, 1), grid, 3);

    assertThat(find(specs, "layers.0.attention.qkv.weight"))
        .satisfies(spec -> assertThat(spec.shape()).isEqualTo(Shape.of(1536, 4096)))
        .satisfies(spec -> assertThat(places(spec)).containsExactly("3072 0", "768 0", "768 0"));
    assertThat(find(specs, "layers.0.attention.proj.weight"))
        .satisfies(spec -> assertThat(spec.shape()).isEqualTo(Shape.of(4096, 1024)))
        .satisfies(spec -> assertThat(places(spec)).containsExactly("0 3072"));
    assertThat(find(specs, "layers.0.mlp.gate_up.weight"))
        .satisfies(spec -> assertThat(spec.shape()).isEqualTo(Shape.of(7168, 4096)))
        .satisfies(spec -> assertThat(places(spec)).containsExactly("10752 0", "10752 0"));
    assertThat(find(specs, "layers.0.mlp.down.weight"))
        .satisfies(spec -> assertThat(spec.shape()).isEqualTo(Shape.of(4096, 3584)))
        .satisfies(spec -> assertThat(places(spec)).containsExactly("0 10752"));
    assertThat(find(specs, "output.weight"))
        .satisfies(spec -> assertThat(places(spec)).containsExactly("96192 0"));
  }

  @ParameterizedTest
  @CsvSource({
    "512, 4, '0+128 128+128 256+128 384+128'",
    "13, 4, '0+3 3+3 6+3 9+4'",
    "32003, 2, '0+16000 16000+16003'",
    "99574, 4, '0+24888 24888+24896 49784+24896 74680+24894'",
  })
  void ranks_share_every_row_of_the_vocabulary_and_no_other(int vocabSize, int tp, String rows) {
    ModelConfig config = ModelParametersTest.llama3(8192, 1).withVocabSize(vocabSize);
    String found =
        IntStream.range(0, tp)
            .mapToObj(rank -> new TensorShards(config, dims(tp), rank).vocabulary("output.weight"))
            .map(spec -> spec.firstRow() + "+" + spec.shape().dim(0))
            .collect(Collectors.joining(" "));
    assertThat(found).isEqualTo(rows);
  }

  @ParameterizedTest
  @CsvSource({"2, 1, false", "4, 1, true", "2, 3, true", "4, 3, false"})
  void every_layout_starts_from_the_same_model(int tp, int pp, boolean tied) {
    ModelConfig config = new TestConfig(tied, 1, 0, Recompute.NONE).divisible(3);
    Map<String, double[]> expected = initialWeights(config, 1, 1);
    Map<String, double[]> found = initialWeights(config, tp, pp);
    assertThat(found).containsOnlyKeys(expected.keySet());
    found.forEach(
        (name, values) -> assertThat(values).as(name).containsExactly(expected.get(name)));
  }

  @Test
  void heads_that_cannot_be_shared_equally_are_refused() {
    ModelConfig config = TestConfig.PLAIN.config();
    assertThatThrownBy(() -> new TensorShards(config, dims(4), 0))
        .isInstanceOf(UserException.class)
        .hasMessage(
            "query groups: 2 (expected: a multiple of the 4 tensor-parallel ranks)."
                + " Choose another --tensor-model-parallel-size.");
  }

  private static Map<String, double[]> initialWeights(ModelConfig config, int tp, int pp) {
    RankGrid grid = new RankGrid(ParallelDims.of(tp, 1, 1, pp));
    StageLayers layers = StageLayers.even(config.sizes().numLayers(), pp, 1);
    GlobalTensors weights = new GlobalTensors();
    for (int rank = 0; rank < grid.worldSize(); rank++) {
      try (TestDevice device = new TestDevice()) {
        ParameterBuffers parameters =
            ParameterBuffers.allocate(
                ModelParameters.specs(config, layers, grid, rank),
                device.scope(),
                DType.F32,
                DType.F32);
        new Initializer(device.kernels(), 1).initialize(parameters);
        for (Parameter parameter : parameters.all()) {
          weights.put(parameter.spec(), device.read(parameter.value()));
        }
      }
    }
    return weights.all();
  }

  private static List<String> places(ParameterSpec spec) {
    return spec.slices().stream()
        .map(slice -> slice.firstRow() + " " + slice.firstColumn())
        .toList();
  }

  private static ParameterSpec find(List<ParameterSpec> specs, String name) {
    return specs.stream().filter(spec -> spec.name().equals(name)).findFirst().orElseThrow();
  }

  private static ParallelDims dims(int tp) {
    return new ParallelDims(tp, 1, 1, 1, 1, false);
  }
}
