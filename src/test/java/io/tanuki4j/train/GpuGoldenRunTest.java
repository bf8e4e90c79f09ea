package io.tanuki4j.train;

import static io.tanuki4j.train.GoldenRunTest.BF16;
import static io.tanuki4j.train.GoldenRunTest.BF16_BOUNDS;
import static io.tanuki4j.train.GoldenRunTest.FP16;
import static io.tanuki4j.train.GoldenRunTest.FP16_BOUNDS;
import static io.tanuki4j.train.GoldenRunTest.FP32_BOUNDS;

import io.tanuki4j.backend.cuda.TestGpu;
import io.tanuki4j.config.Precision;
import io.tanuki4j.model.GoldenRun;
import io.tanuki4j.nn.TestDevice;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole reference runs on a GPU; each reports how far it is from the reference. */
@Tag("gpu")
class GpuGoldenRunTest {
  @TempDir Path folder;

  /** TF32, with its 11 bits, would miss these bounds by far. */
  @ParameterizedTest
  @ValueSource(strings = {"llama-tiny", "llama-tiny-zloss"})
  void training_gives_the_losses_norms_and_weights_of_the_reference(
      String name, TestReporter reporter) throws IOException {
    GoldenRun golden = GoldenRun.of(name);
    GoldenOutcome expected = GoldenOutcome.expected(golden, folder);
    GoldenOutcome gpu = onGpu(name, Precision.FP32);
    deviation("fp32, GPU from reference", gpu, expected, reporter).assertAtMost(FP32_BOUNDS);
  }

  /** The CPU rounds at the same places, so it is as far from the reference. */
  @ParameterizedTest
  @ValueSource(strings = {"llama-tiny", "llama-tiny-zloss"})
  void training_in_bf16_differs_by_its_rounding(String name, TestReporter reporter)
      throws IOException {
    GoldenRun golden = GoldenRun.of(name);
    GoldenOutcome expected = GoldenOutcome.expected(golden, folder);
    GoldenOutcome cpu = GoldenOutcome.train(golden, new TestDevice(), BF16, folder);
    deviation("bf16, CPU from reference", cpu, expected, reporter).assertAtMost(BF16_BOUNDS);
    GoldenOutcome gpu = onGpu(name, BF16);
    deviation("bf16, GPU from reference", gpu, expected, reporter).assertAtMost(BF16_BOUNDS);
    deviation("bf16, GPU from CPU", gpu, cpu, reporter).assertAtMost(BF16_BOUNDS);
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama-tiny", "llama-tiny-zloss"})
  void training_in_fp16_differs_by_its_rounding(String name, TestReporter reporter)
      throws IOException {
    GoldenRun golden = GoldenRun.of(name);
    GoldenOutcome expected = GoldenOutcome.expected(golden, folder);
    GoldenOutcome cpu = GoldenOutcome.train(golden, new TestDevice(), FP16, folder);
    GoldenOutcome gpu = onGpu(name, FP16);
    deviation("fp16, GPU from reference", gpu, expected, reporter).assertAtMost(FP16_BOUNDS);
    deviation("fp16, GPU from CPU", gpu, cpu, reporter).assertAtMost(FP16_BOUNDS);
  }

  private GoldenOutcome onGpu(String name, Precision precision) throws IOException {
    TestDevice device = new TestDevice(TestGpu.backend());
    return GoldenOutcome.train(GoldenRun.of(name), device, precision, folder)
        .keep("cuda", GoldenOutcome.name(name, precision));
  }

  private static GoldenDeviation deviation(
      String what, GoldenOutcome actual, GoldenOutcome expected, TestReporter reporter) {
    GoldenDeviation deviation = GoldenDeviation.of(actual, expected);
    reporter.publishEntry(what, deviation.toString());
    return deviation;
  }
}
