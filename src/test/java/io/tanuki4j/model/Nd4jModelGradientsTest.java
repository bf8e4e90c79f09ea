package io.tanuki4j.model;

import io.tanuki4j.backend.nd4j.Nd4jBackend;
import io.tanuki4j.nn.TestDevice;
import java.util.stream.Stream;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Whole models on ND4J, and on the CPU, which it is compared with. */
class Nd4jModelGradientsTest extends ModelGradientParity {
  @Override
  ModelGradients open() {
    return new ModelGradients(Nd4jBackend.NAME, new TestDevice(new Nd4jBackend()));
  }

  @ParameterizedTest
  @MethodSource("io.tanuki4j.model.GptChunkTest#variants")
  void gradients_match_central_differences_on_both(TestConfig variant, TestReporter reporter) {
    Stream.of(cpu, tested)
        .forEach(
            backend ->
                reporter.publishEntry(
                    backend.backend() + ", relative error",
                    "%.1e".formatted(backend.verify(variant))));
  }
}
