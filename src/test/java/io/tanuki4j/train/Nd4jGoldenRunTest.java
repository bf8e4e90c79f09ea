package io.tanuki4j.train;

import static io.tanuki4j.train.GoldenRunTest.BF16;
import static io.tanuki4j.train.GoldenRunTest.BF16_BOUNDS;
import static io.tanuki4j.train.GoldenRunTest.FP32_BOUNDS;

import io.tanuki4j.backend.nd4j.Nd4jBackend;
import io.tanuki4j.config.Precision;
import io.tanuki4j.model.GoldenRun;
import io.tanuki4j.nn.TestDevice;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole reference runs on ND4J; each reports how far it is from the reference and from the CPU. */
class Nd4jGoldenRunTest {
  @TempDir Path folder;

  @Test
  void training_gives_the_losses_norms_and_weights_of_the_reference(TestReporter reporter)
      throws IOException {
    compare("llama-tiny", Precision.FP32, FP32_BOUNDS, reporter);
  }

  @Tag("slow")
  @ParameterizedTest
  @ValueSource(strings = {"llama-tiny", "llama-tiny-zloss"})
  void training_in_bf16_differs_by_its_rounding(String name, TestReporter reporter)
      throws IOException {
    compare(name, BF16, BF16_BOUNDS, reporter);
    compare(name, Precision.FP32, FP32_BOUNDS, reporter);
  }

  private void compare(
      String name, Precision precision, GoldenDeviation bounds, TestReporter reporter)
      throws IOException {
    GoldenRun golden = GoldenRun.of(name);
    String run = GoldenOutcome.name(name, precision);
    GoldenOutcome expected = GoldenOutcome.expected(golden, folder).keep("reference", run);
    GoldenOutcome cpu =
        GoldenOutcome.train(golden, new TestDevice(), precision, folder).keep("cpu", run);
    TestDevice device = new TestDevice(new Nd4jBackend());
    GoldenOutcome nd4j =
        GoldenOutcome.train(golden, device, precision, folder).keep(Nd4jBackend.NAME, run);
    report(name + ", CPU from reference", cpu, expected, bounds, reporter);
    report(name + ", ND4J from reference", nd4j, expected, bounds, reporter);
    report(name + ", ND4J from CPU", nd4j, cpu, bounds, reporter);
  }

  private static void report(
      String what,
      GoldenOutcome actual,
      GoldenOutcome expected,
      GoldenDeviation bounds,
      TestReporter reporter) {
    GoldenDeviation deviation = GoldenDeviation.of(actual, expected);
    reporter.publishEntry(what, deviation.toString());
    deviation.assertAtMost(bounds);
  }
}
