package io.tanuki4j.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.kernel.HostValues;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * How far two outcomes of a reference run are from each other.
 *
 * @param loss largest difference of an iteration's losses
 * @param relativeNorm likewise, of a gradient's norm, relative
 * @param relativeWeights of the parameter that differs most, by squares
 * @param evaluation largest difference of the losses after the last iteration
 */
record GoldenDeviation(
    double loss, double relativeNorm, double relativeWeights, double evaluation) {
  static GoldenDeviation of(GoldenOutcome actual, GoldenOutcome expected) {
    return new GoldenDeviation(
        largest(actual.losses(), expected.losses(), false),
        largest(actual.norms(), expected.norms(), true),
        weights(actual.weights(), expected.weights()),
        largest(actual.evaluations(), expected.evaluations(), false));
  }

  void assertAtMost(GoldenDeviation bounds) {
    assertThat(loss).as("loss of %s", this).isLessThanOrEqualTo(bounds.loss);
    assertThat(relativeNorm).as("norm of %s", this).isLessThanOrEqualTo(bounds.relativeNorm);
    assertThat(relativeWeights)
        .as("weights of %s", this)
        .isLessThanOrEqualTo(bounds.relativeWeights);
    assertThat(evaluation).as("evaluation of %s", this).isLessThanOrEqualTo(bounds.evaluation);
  }

  private static double largest(List<Double> actual, List<Double> expected, boolean relative) {
    assertThat(actual).hasSameSizeAs(expected);
    double largest = 0;
    for (int i = 0; i < actual.size(); i++) {
      double difference = Math.abs(actual.get(i) - expected.get(i));
      largest = Math.max(largest, relative ? difference / expected.get(i) : difference);
    }
    return largest;
  }

  private static double weights(Map<String, double[]> actual, Map<String, double[]> expected) {
    assertThat(actual).containsOnlyKeys(expected.keySet());
    double largest = 0;
    for (Map.Entry<String, double[]> parameter : expected.entrySet()) {
      double[] values = Objects.requireNonNull(actual.get(parameter.getKey()));
      largest = Math.max(largest, HostValues.relativeError(values, parameter.getValue()));
    }
    return largest;
  }
}
