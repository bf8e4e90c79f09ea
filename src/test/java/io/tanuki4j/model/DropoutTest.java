package io.tanuki4j.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.kernel.LossKernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.model.ModelConfig.DropoutRates;
import io.tanuki4j.model.ModelConfig.Recompute;
import io.tanuki4j.nn.GradientCheck;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.Samples;
import io.tanuki4j.nn.TestDevice;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A whole model with dropout after the embedding, in attention and after each branch. */
class DropoutTest {
  private static final DropoutRates RATES = new DropoutRates(0.2, 0.3, 7);

  private final TestDevice device = new TestDevice();

  @AfterEach
  void close() {
    device.close();
  }

  static Stream<Recompute> recomputations() {
    return Stream.concat(Stream.of(Recompute.NONE), GptChunkTest.recomputations());
  }

  @ParameterizedTest
  @MethodSource("recomputations")
  void gradients_match_central_differences_of_the_same_drops(Recompute recompute) {
    TestModel model = model(recompute, RATES);
    Microbatch microbatch = microbatch(11);
    new GradientCheck(device)
        .parameters(model.chunk().parameters())
        .verify(() -> model.train(microbatch), () -> trainingLoss(model, microbatch));
  }

  @ParameterizedTest
  @MethodSource("recomputations")
  void recomputation_drops_the_same(Recompute recompute) {
    double[] kept = model(Recompute.NONE, RATES).lossesAndGradients(microbatch(11));
    assertThat(model(recompute, RATES).lossesAndGradients(microbatch(11))).containsExactly(kept);
  }

  @Test
  void other_samples_seeds_and_rates_drop_others() {
    double[] some = model(Recompute.NONE, RATES).lossesAndGradients(microbatch(11));
    assertThat(model(Recompute.NONE, RATES).lossesAndGradients(microbatch(13))).isNotEqualTo(some);
    for (DropoutRates other :
        new DropoutRates[] {
          new DropoutRates(0.2, 0.3, 8), new DropoutRates(0, 0.3, 7), new DropoutRates(0.2, 0, 7)
        }) {
      assertThat(model(Recompute.NONE, other).lossesAndGradients(microbatch(11)))
          .isNotEqualTo(some);
    }
  }

  @Test
  void an_evaluation_drops_nothing() {
    double plain = model(Recompute.NONE, DropoutRates.NONE).evaluate(microbatch(11));
    assertThat(model(Recompute.NONE, RATES).evaluate(microbatch(11))).isEqualTo(plain);
  }

  private TestModel model(Recompute recompute, DropoutRates rates) {
    ModelConfig config = TestConfig.PLAIN.with(recompute).config();
    return new TestModel(device, config.with(new Samples.Kinds(false, false, true), rates));
  }

  /** The loss of a training forward, which leaves gradients as they are. */
  private double trainingLoss(TestModel model, Microbatch microbatch) {
    double[] gradients = device.read(model.parameters().grads());
    device.kernels().elementwise().fill(microbatch.lossSums(), 0);
    try (MemoryScope scope = device.scope().child("micro-batch")) {
      model.chunk().forward(null, microbatch.withScope(scope));
    }
    device.write(model.parameters().grads(), gradients);
    double scale = device.read(microbatch.gradScale())[0];
    return scale * device.read(microbatch.lossSums())[LossKernels.CROSS_ENTROPY];
  }

  private Microbatch microbatch(long firstSample) {
    Microbatch some = device.microbatch(TestConfig.SEQ_LENGTH, 2, TestConfig.VOCAB_SIZE, 5);
    Samples samples =
        Samples.allocate(new Samples.Kinds(false, false, true), Shape.of(1, 2), device.scope());
    ByteBuffer numbers = ByteBuffer.allocateDirect(16).order(ByteOrder.LITTLE_ENDIAN);
    numbers.putLong(firstSample).putLong(firstSample + 1).flip();
    Tensor ofSamples = Objects.requireNonNull(samples.numbers());
    assertThat(ofSamples.dtype()).isEqualTo(DType.I64);
    device.device().upload(ofSamples, numbers);
    return TestDevice.withSamples(some, samples);
  }
}
