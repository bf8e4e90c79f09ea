package io.tanuki4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.backend.cpu.CpuBackend;
import io.tanuki4j.data.BatchSource;
import io.tanuki4j.data.TokenBatch;
import io.tanuki4j.error.UserException;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.optim.AdamW;
import io.tanuki4j.optim.OptimizerConfig;
import io.tanuki4j.optim.Rates;
import io.tanuki4j.optim.StateTypes;
import io.tanuki4j.parallel.data.DataParallel;
import io.tanuki4j.tensor.DType;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class TrainStepTest {
  /** The weights are fp32. */
  private static final double FP32 = 1e-6;

  private final Device device = new CpuBackend(1).openDevice(0);
  private final MemoryScope scope = device.openScope("test");
  private final ParameterBuffers parameters =
      ParameterBuffers.allocate(QuadraticChunk.SPECS, scope, DType.F32, DType.F32);
  private final DataParallel data = DataParallel.alone(parameters, device);
  private final AdamW optimizer =
      new AdamW(
          new OptimizerConfig(0.9, 0.95, 1e-8, 1),
          StateTypes.wide(DType.F32),
          data.shard(),
          device.kernels(),
          scope);
  private final MicrobatchRunner<?> runner =
      new MicrobatchRunner<>(
          device, new QuadraticChunk(device, parameters), ListSource.SEQ_LENGTH, 1, 0);
  private final TrainStep step = new TrainStep(device, runner, data, optimizer, scope);

  @BeforeEach
  void fill() {
    device.kernels().elementwise().fill(parameters.values(), 1);
  }

  @AfterEach
  void close() {
    runner.close();
    scope.close();
    device.close();
  }

  /** Samples 0 to 5; sample 4 counts one of its two tokens, so 11 tokens count. */
  @Test
  void the_loss_is_a_mean_over_the_tokens_of_the_global_batch() {
    step.run(new ListSource(100, 0), 6, Rates.of(0, 0));
    StepResult result = step.takeResults().get(0);
    // Squares of 1 − target: first tokens 0 1 2 3 0 1 give 1 0 1 4 1 0; the others 1 each, 5 count.
    assertThat(result.loss().lm()).isEqualTo((7 + 5) / 2.0 / 11, within(FP32));
    assertThat(result.loss().z()).isEqualTo(1, within(FP32));
  }

  @Test
  void the_gradient_is_that_of_the_mean_of_micro_batches_and_does_not_pile_up() {
    step.run(new ListSource(100, 0), 6, Rates.of(0, 0));
    double[] once = QuadraticChunk.download(device, parameters.get("weight").grad());
    // Errors of token 0: +1 (sample 0), +1 (sample 4, of which only this token counts), −1 (3).
    assertThat(once[0]).isEqualTo((1 / 2.0 + 1 - 1 / 2.0) / 6, within(FP32));
    assertThat(onlyTokenOfSample4(step)).isEqualTo(1 / 2.0, within(FP32));
    double norm = Math.sqrt(once[0] * once[0] + sumOfSquares(once, 1));
    step.run(new ListSource(100, 0), 6, Rates.of(0, 0));
    List<StepResult> results = step.takeResults();
    assertThat(results.get(results.size() - 1)).isEqualTo(results.get(0));
    assertThat(results.get(0).gradNorm()).isEqualTo(norm, within(FP32));
  }

  @Test
  void the_gradient_can_be_that_of_the_mean_of_tokens() {
    TrainStep perToken =
        new TrainStep(
            device, runner, data, optimizer, LossNormalization.TOKENS, Timers.none(device), scope);
    perToken.run(new ListSource(100, 0), 6, Rates.of(0, 0));
    double[] once = QuadraticChunk.download(device, parameters.get("weight").grad());
    assertThat(once[0]).isEqualTo((1 + 1 - 1) / 11.0, within(FP32));
    assertThat(onlyTokenOfSample4(perToken)).isEqualTo(1 / 3.0, within(FP32));
  }

  /** Of samples 4 and 5: three tokens count, one of them in sample 4, whose error is 1. */
  private double onlyTokenOfSample4(TrainStep ofStep) {
    ofStep.run(new ListSource(100, 4), 2, Rates.of(0, 0));
    return QuadraticChunk.download(device, parameters.get("weight").grad())[0];
  }

  @Test
  void a_micro_batch_of_masked_tokens_counts_as_a_loss_of_zero() {
    ListSource source = new ListSource(100, 0);
    TokenBatch masked = new TokenBatch(2, 1, new int[2], new int[2], new float[2]);
    assertThat(LossNormalization.MICROBATCHES.gradScale(masked, 4, 10)).isEqualTo(1 / 4.0);
    assertThat(LossNormalization.MICROBATCHES.gradScale(source.next(), 4, 10)).isEqualTo(1 / 8.0);
    assertThat(LossNormalization.TOKENS.gradScale(masked, 4, 10)).isEqualTo(1 / 10.0);
  }

  @Test
  void micro_batches_repeat_their_memory() {
    step.run(new ListSource(100, 0), 2, Rates.of(0, 0));
    long held = device.bytesInUse();
    for (int i = 0; i < 20; i++) {
      step.run(new ListSource(100, 0), 6, Rates.of(0, 0));
    }
    assertThat(device.bytesInUse()).isEqualTo(held);
  }

  @Test
  void training_lowers_the_loss() {
    ListSource source = new ListSource(10000, 0);
    for (int i = 0; i < 100; i++) {
      step.run(source, 8, Rates.of(0.02, 0));
    }
    List<StepResult> results = step.takeResults();
    assertThat(results.get(99).loss().lm()).isLessThan(0.7 * results.get(0).loss().lm());
    assertThat(source.consumedSamples()).isEqualTo(800);
  }

  @Test
  void results_can_wait_until_the_ring_is_full() {
    ListSource source = new ListSource(10000, 0);
    while (!step.isFull()) {
      step.run(source, 1, Rates.of(0, 0));
    }
    assertThat(step.takeResults()).hasSize(ResultRing.CAPACITY);
    assertThat(step.isFull()).isFalse();
    assertThat(step.takeResults()).isEmpty();
  }

  @Test
  void a_global_batch_of_masked_tokens_ends_with_a_sentence() {
    assertThatThrownBy(() -> step.run(masked(), 2, Rates.of(0, 0)))
        .isInstanceOf(UserException.class)
        .hasMessage(
            "samples 40 to 41: no token counts for the loss (expected: at least one in a global"
                + " batch). Drop --eod-mask-loss, or raise --global-batch-size.");
  }

  @Test
  void evaluation_is_the_mean_over_its_tokens_and_changes_nothing() {
    ListSource source = new ListSource(100, 0);
    Evaluator evaluator = new Evaluator(device, runner, data, scope);
    Optional<Loss> loss = evaluator.run(source, 2, 3, batch -> true);
    assertThat(loss.orElseThrow().lm()).isEqualTo((7 + 5) / 2.0 / 11, within(FP32));
    assertThat(evaluator.run(source, 2, 3, batch -> batch < 2)).isEmpty();
    assertThat(source.consumedSamples()).isEqualTo(6 + 3);
    assertThat(QuadraticChunk.download(device, parameters.get("weight").value())).containsOnly(1);
  }

  @Test
  void evaluation_without_a_token_ends_with_a_sentence() {
    Evaluator evaluator = new Evaluator(device, runner, data, scope);
    assertThatThrownBy(() -> evaluator.run(masked(), 1, 2, batch -> true))
        .hasMessageStartingWith("evaluation: no token counts for the loss");
  }

  private static double sumOfSquares(double[] values, int from) {
    double sum = 0;
    for (int i = from; i < values.length; i++) {
      sum += values[i] * values[i];
    }
    return sum;
  }

  private static BatchSource masked() {
    return new BatchSource() {
      private long consumed = 40;

      @Override
      public TokenBatch next() {
        consumed++;
        return new TokenBatch(2, 1, new int[2], new int[2], new float[2]);
      }

      @Override
      public boolean masksTokens() {
        return true;
      }

      @Override
      public long consumedSamples() {
        return consumed;
      }

      @Override
      public long numSamples() {
        return Long.MAX_VALUE;
      }

      @Override
      public void close() {}
    };
  }
}
