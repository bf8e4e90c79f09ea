package io.tanuki4j.train;

import io.tanuki4j.config.Precision;
import io.tanuki4j.model.GoldenRun;
import io.tanuki4j.nn.TestDevice;
import io.tanuki4j.optim.StateTypes;
import io.tanuki4j.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole reference runs, on the CPU. */
class GoldenRunTest {
  /** Weights and activations in BF16; main weights, main gradients and moments in fp32. */
  static final Precision BF16 = new Precision(DType.BF16, DType.F32, StateTypes.wide(DType.BF16));

  /** The same in fp16, with a scaled loss. */
  static final Precision FP16 = new Precision(DType.F16, DType.F32, StateTypes.wide(DType.F16));

  /** The last digits drift: measured were 3e-8 of a loss, 2e-7 of weights and norms. */
  static final GoldenDeviation FP32_BOUNDS = new GoldenDeviation(1e-6, 1e-5, 1e-5, 1e-6);

  /**
   * BF16 rounds to 2e-3 (2^-9). A loss is a mean over 256 tokens, so of its logits' roundings the
   * most cancels; measured were 7e-4, 1.9e-3, 4.1e-3, 3.3e-4.
   */
  static final GoldenDeviation BF16_BOUNDS = new GoldenDeviation(2e-3, 5e-3, 8e-3, 1e-3);

  /** Fp16 rounds to 5e-4 (2^-11), a quarter of bf16's. */
  static final GoldenDeviation FP16_BOUNDS = new GoldenDeviation(5e-4, 2e-3, 2e-3, 3e-4);

  /**
   * With masked tokens the reference's evaluation is the mean of its global batches' means. Ours,
   * like Megatron's, is one mean over all tokens; measured was 2.8e-5.
   */
  static final GoldenDeviation DOCUMENT_BOUNDS = new GoldenDeviation(1e-6, 1e-5, 1e-5, 1e-4);

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"llama-tiny", "llama-tiny-zloss", "qwen2-tiny", "qwen3-tiny"})
  void training_gives_the_losses_norms_and_weights_of_the_reference(String name)
      throws IOException {
    deviation(name, Precision.FP32).assertAtMost(FP32_BOUNDS);
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama-tiny", "llama-tiny-zloss"})
  void training_in_bf16_differs_by_its_rounding(String name) throws IOException {
    deviation(name, BF16).assertAtMost(BF16_BOUNDS);
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama-tiny", "llama-tiny-zloss", "qwen3-tiny"})
  void training_in_fp16_differs_by_its_rounding(String name) throws IOException {
    deviation(name, FP16).assertAtMost(FP16_BOUNDS);
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama-tiny-documents", "llama-tiny-documents-per-token"})
  void documents_give_the_losses_norms_and_weights_of_the_reference(String name)
      throws IOException {
    deviation(name, Precision.FP32).assertAtMost(DOCUMENT_BOUNDS);
  }

  private GoldenDeviation deviation(String name, Precision precision) throws IOException {
    GoldenRun golden = GoldenRun.of(name);
    return GoldenDeviation.of(
        GoldenOutcome.train(golden, new TestDevice(), precision, folder),
        GoldenOutcome.expected(golden, folder));
  }
}
