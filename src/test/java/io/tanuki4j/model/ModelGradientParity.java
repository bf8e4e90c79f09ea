package io.tanuki4j.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.nn.TestDevice;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The gradients of whole models on a backend next to the CPU's, in fp32. */
abstract class ModelGradientParity {
  /** Roundings of fp32 through three layers and back; measured were 5e-6. */
  private static final double TOLERANCE = 5e-5;

  /**
   * Errors of smaller gradients are relative to this part of the whole one: a bias of normalized
   * keys has none, since it moves all scores of a query alike.
   */
  private static final double SMALLEST = 1e-3;

  final ModelGradients cpu = new ModelGradients("cpu", new TestDevice());
  final ModelGradients tested = open();

  /** The tested backend. */
  abstract ModelGradients open();

  @AfterEach
  void close() {
    cpu.device().close();
    tested.device().close();
  }

  @ParameterizedTest
  @MethodSource("io.tanuki4j.model.GptChunkTest#variants")
  void gradients_in_fp32_are_those_of_the_cpu(TestConfig variant, TestReporter reporter) {
    Map<String, double[]> expected = cpu.inFp32(variant);
    Map<String, double[]> actual = tested.inFp32(variant);
    assertThat(actual).containsOnlyKeys(expected.keySet());
    double whole =
        Math.sqrt(expected.values().stream().mapToDouble(ModelGradientParity::squares).sum());
    double largest = 0;
    for (Map.Entry<String, double[]> parameter : expected.entrySet()) {
      double[] gradient = Objects.requireNonNull(actual.get(parameter.getKey()));
      double[] difference = new double[gradient.length];
      Arrays.setAll(difference, i -> gradient[i] - parameter.getValue()[i]);
      double size = Math.max(Math.sqrt(squares(parameter.getValue())), SMALLEST * whole);
      double error = Math.sqrt(squares(difference)) / size;
      assertThat(error).as(parameter.getKey()).isLessThanOrEqualTo(TOLERANCE);
      largest = Math.max(largest, error);
    }
    reporter.publishEntry("largest relative error", "%.1e".formatted(largest));
  }

  private static double squares(double[] values) {
    return Arrays.stream(values).map(value -> value * value).sum();
  }
}
