package io.tanuki4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.error.UserException;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.model.ModelConfig.Granularity;
import io.tanuki4j.model.ModelConfig.Recompute;
import io.tanuki4j.model.TestModels.Family;
import io.tanuki4j.nn.GradientCheck;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.ParameterListener;
import io.tanuki4j.nn.TestDevice;
import io.tanuki4j.parallel.pipeline.ModelChunk.ChunkForward;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class GptChunkTest {
  /** Of hidden states {@code [5, 2, 8]} in fp64. */
  private static final long HIDDEN_BYTES = TestConfig.SEQ_LENGTH * 2 * 8 * Double.BYTES;

  private final TestDevice device = new TestDevice();
  private final Microbatch microbatch =
      device.microbatch(TestConfig.SEQ_LENGTH, 2, TestConfig.VOCAB_SIZE, 5);

  @AfterEach
  void close() {
    device.close();
  }

  static Stream<Recompute> recomputations() {
    return Stream.of(
        new Recompute(Granularity.SELECTIVE, 0),
        new Recompute(Granularity.FULL_UNIFORM, 1),
        new Recompute(Granularity.FULL_UNIFORM, 2),
        new Recompute(Granularity.FULL_BLOCK, 2));
  }

  static Stream<TestConfig> variants() {
    Stream<TestConfig> recomputed =
        recomputations()
            .flatMap(
                recompute ->
                    Stream.of(Family.LLAMA, Family.QWEN3)
                        .map(family -> TestConfig.PLAIN.with(recompute).with(family)));
    Stream<TestConfig> families =
        Arrays.stream(Family.values())
            .map(family -> new TestConfig(true, 1, 0, Recompute.NONE, family));
    return Stream.concat(
        Stream.concat(families, recomputed),
        Stream.of(
            TestConfig.PLAIN,
            TestConfig.PLAIN.with(Family.GPT),
            new TestConfig(false, 0.5, 0, Recompute.NONE),
            new TestConfig(true, 1, 0.01, Recompute.NONE)));
  }

  @ParameterizedTest
  @MethodSource("variants")
  void gradients_match_central_differences(TestConfig variant) {
    TestModel model = new TestModel(device, variant.config());
    device.write(microbatch.lossMask(), 1, 1, 1, 0, 1, 1, 1, 0.5, 1, 1);
    new GradientCheck(device)
        .parameters(model.chunk().parameters())
        .verify(() -> model.train(microbatch), () -> model.evaluate(microbatch));
  }

  @ParameterizedTest
  @MethodSource("recomputations")
  void recomputation_changes_no_bit_of_losses_and_gradients(Recompute recompute) {
    for (DType dtype : new DType[] {DType.F32, DType.F64}) {
      TestModel kept = new TestModel(device, TestConfig.PLAIN.config(), dtype);
      TestModel again = new TestModel(device, TestConfig.PLAIN.with(recompute).config(), dtype);

      assertThat(again.lossesAndGradients(microbatch))
          .containsExactly(kept.lossesAndGradients(microbatch));
    }
  }

  /** A gradient that is done must not change any more: another rank may have it already. */
  @ParameterizedTest
  @MethodSource("variants")
  void tells_which_values_it_needs_and_which_gradients_are_done(TestConfig variant) {
    TestModel model = new TestModel(device, variant.config());
    device.kernels().elementwise().fill(model.parameters().grads(), 0);
    Set<String> needed = new HashSet<>();
    Map<String, double[]> done = new HashMap<>();
    ParameterListener listener =
        new ParameterListener() {
          @Override
          public void valuesNeeded(List<Parameter> parameters) {
            parameters.forEach(parameter -> needed.add(parameter.name()));
          }

          @Override
          public void gradientsDone(List<Parameter> parameters) {
            for (Parameter parameter : parameters) {
              done.putIfAbsent(parameter.name(), device.read(parameter.grad()));
            }
          }
        };
    model.train(TestDevice.listening(microbatch, listener));
    List<String> names = model.chunk().parameters().stream().map(Parameter::name).toList();
    assertThat(needed).containsExactlyInAnyOrderElementsOf(names);
    assertThat(done).containsOnlyKeys(names);
    for (Parameter parameter : model.chunk().parameters()) {
      assertThat(done.get(parameter.name()))
          .as(parameter.name())
          .isEqualTo(device.read(parameter.grad()));
    }
  }

  @ParameterizedTest
  @MethodSource("recomputations")
  void recomputation_keeps_less(Recompute recompute) {
    assertThat(bytesKept(TestConfig.PLAIN.with(recompute), microbatch))
        .isLessThan(bytesKept(TestConfig.PLAIN, microbatch));
  }

  @Test
  void each_recomputed_layer_keeps_equally_much_less() {
    long[] kept =
        IntStream.rangeClosed(0, 3)
            .mapToLong(numLayers -> bytesKept(Granularity.FULL_BLOCK, numLayers))
            .toArray();
    assertThat(kept[1]).isLessThan(kept[0]);
    assertThat(kept[1] - kept[2]).isEqualTo(kept[0] - kept[1]);
    assertThat(kept[2] - kept[3]).isEqualTo(kept[0] - kept[1]);
  }

  @Test
  void larger_groups_keep_fewer_inputs() {
    assertThat(bytesKept(Granularity.FULL_UNIFORM, 1) - bytesKept(Granularity.FULL_UNIFORM, 2))
        .isEqualTo(HIDDEN_BYTES);
    assertThat(bytesKept(Granularity.FULL_UNIFORM, 2) - bytesKept(Granularity.FULL_UNIFORM, 3))
        .isEqualTo(HIDDEN_BYTES);
  }

  @Test
  void rejects_groups_of_no_layers() {
    assertThatThrownBy(() -> new Recompute(Granularity.FULL_UNIFORM, 0))
        .isInstanceOf(UserException.class)
        .hasMessageContaining("--recompute-num-layers: 0");
  }

  @Test
  void evaluation_keeps_hidden_states_of_one_layer_only() {
    assertThat(bytesKept(TestConfig.PLAIN, TestDevice.evaluation(microbatch)))
        .isLessThan(3 * HIDDEN_BYTES);
  }

  @Test
  void evaluation_has_the_losses_of_training_and_leaves_gradients() {
    TestModel model = new TestModel(device, TestConfig.PLAIN.config());
    double[] before = device.read(model.parameters().grads());
    model.evaluate(microbatch);
    double[] evaluated = device.read(microbatch.lossSums());

    assertThat(device.read(model.parameters().grads())).containsExactly(before);
    model.lossesAndGradients(microbatch);
    assertThat(device.read(microbatch.lossSums())).containsExactly(evaluated);
  }

  @Test
  void two_micro_batches_add_up() {
    TestModel model = new TestModel(device, TestConfig.PLAIN.config());
    double[] once = model.lossesAndGradients(microbatch);
    model.train(microbatch);
    double[] twice = model.lossesAndGradientsNow(microbatch);
    for (int i = 0; i < once.length; i++) {
      assertThat(twice[i]).isCloseTo(2 * once[i], within(1e-13 + 1e-13 * Math.abs(once[i])));
    }
  }

  @ParameterizedTest
  @MethodSource("variants")
  void the_first_micro_batch_overwrites_what_is_in_the_gradients(TestConfig variant) {
    TestModel model = new TestModel(device, variant.config());
    double[] expected = model.lossesAndGradients(microbatch);
    for (Parameter parameter : model.parameters().all()) {
      device.kernels().elementwise().fill(parameter.grad(), Double.NaN);
    }
    device.kernels().elementwise().fill(microbatch.lossSums(), 0);

    model.train(TestDevice.beginning(microbatch));

    assertThat(model.lossesAndGradientsNow(microbatch)).containsExactly(expected);
  }

  @Test
  void two_stages_equal_one_chunk_bit_for_bit() {
    TestModel model = new TestModel(device, TestConfig.PLAIN.config());
    double[] whole = model.lossesAndGradients(microbatch);
    device.kernels().elementwise().fill(model.parameters().grads(), 0);
    device.kernels().elementwise().fill(microbatch.lossSums(), 0);

    trainInTwoStages(model.builder().build(0, 2), model.builder().build(2, 3));

    assertThat(model.lossesAndGradientsNow(microbatch)).containsExactly(whole);
  }

  @Test
  void a_chunk_has_the_parameters_of_its_layers() {
    TestModel model = new TestModel(device, TestConfig.PLAIN.config());
    assertThat(model.chunk().parameters())
        .containsExactlyInAnyOrderElementsOf(model.parameters().all());
    assertThat(model.builder().build(2, 3).parameters())
        .extracting(parameter -> parameter.name())
        .containsExactly(
            "layers.2.attention.norm.weight",
            "layers.2.attention.qkv.weight",
            "layers.2.attention.proj.weight",
            "layers.2.mlp.norm.weight",
            "layers.2.mlp.gate_up.weight",
            "layers.2.mlp.down.weight",
            "final_norm.weight",
            "output.weight");
  }

  @Test
  void logits_of_a_position_give_its_loss() {
    TestModel model = new TestModel(device, TestConfig.PLAIN.config());
    int position = 3;
    double[] mask = new double[2 * TestConfig.SEQ_LENGTH];
    mask[2 * position + 1] = 1;
    device.write(microbatch.lossMask(), mask);
    device.write(microbatch.gradScale(), 1);
    double loss = model.evaluate(microbatch);

    Tensor logits = device.scope().allocate(Shape.of(2, TestConfig.VOCAB_SIZE), DType.F64);
    model.chunk().logits(logits, microbatch.tokens(), position, device.scope());

    double[] row = device.read(logits.rows(1, 2));
    double sum = 0;
    for (double logit : row) {
      sum += Math.exp(logit);
    }
    int target = (int) device.read(microbatch.targets())[2 * position + 1];
    assertThat(Math.log(sum) - row[target]).isCloseTo(loss, within(1e-12));
  }

  @Test
  void logits_need_a_whole_model() {
    GptChunk stage = new TestModel(device, TestConfig.PLAIN.config()).builder().build(0, 2);
    Tensor logits = device.scope().allocate(Shape.of(2, TestConfig.VOCAB_SIZE), DType.F64);
    assertThatThrownBy(() -> stage.logits(logits, microbatch.tokens(), 0, device.scope()))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void memory_does_not_grow_from_one_micro_batch_to_the_next() {
    TestModel model = new TestModel(device, TestConfig.PLAIN.config());
    model.train(microbatch);
    long after = device.device().bytesInUse();
    model.train(microbatch);
    model.evaluate(microbatch);
    assertThat(device.device().bytesInUse()).isEqualTo(after);
  }

  private long bytesKept(TestConfig variant, Microbatch of) {
    TestModel model = new TestModel(device, variant.config());
    try (MemoryScope scope = device.scope().child("kept")) {
      model.chunk().forward(null, of.withScope(scope));
      return scope.bytesInUse();
    }
  }

  private long bytesKept(Granularity granularity, int numLayers) {
    return bytesKept(TestConfig.PLAIN.with(new Recompute(granularity, numLayers)), microbatch);
  }

  private void trainInTwoStages(GptChunk first, GptChunk last) {
    try (MemoryScope scope = device.scope().child("micro-batch")) {
      Microbatch scoped = microbatch.withScope(scope);
      ChunkForward<GptChunk.Saved> start = first.forward(null, scoped);
      ChunkForward<GptChunk.Saved> end = last.forward(start.hidden(), scoped);
      Tensor gradient = last.backward(end.saved(), null, scoped);
      assertThat(first.backward(start.saved(), gradient, scoped)).isNull();
    }
  }
}
