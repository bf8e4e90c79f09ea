package io.tanuki4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.JsonObject;
import io.tanuki4j.kernel.HostValues;
import io.tanuki4j.kernel.LossKernels;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.TestDevice;
import io.tanuki4j.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The first iteration of reference runs, one sample per micro-batch. */
class GoldenRunTest {
  private final TestDevice device = new TestDevice();

  @AfterEach
  void close() {
    device.close();
  }

  /**
   * The reference is in fp64, its files in fp32; fp32 arithmetic costs another two digits, and bf16
   * has two to three in all.
   */
  @ParameterizedTest
  @CsvSource({
    "llama-tiny, F64, 1e-6",
    "llama-tiny, F32, 1e-4",
    "llama-tiny, BF16, 0.03",
    "llama-tiny-zloss, F64, 1e-6",
    "llama-tiny-zloss, F32, 1e-4"
  })
  void first_loss_and_gradients_are_those_of_the_reference(
      String name, DType dtype, double tolerance, @TempDir Path folder) throws IOException {
    GoldenRun run = GoldenRun.of(name);
    TestModel model = new TestModel(device, run.config(), dtype);
    load(model, run);

    double[] sums = train(model, run.firstBatch());

    JsonObject expected = run.firstIteration();
    double loss = expected.get("lm_loss").getAsDouble();
    double zLoss = expected.get("objective").getAsDouble() - loss;
    assertThat(sums[LossKernels.CROSS_ENTROPY]).isCloseTo(loss, within(tolerance));
    assertThat(sums[LossKernels.Z_LOSS]).isCloseTo(zLoss, within(tolerance));
    Map<String, double[]> gradients = run.firstGradients(folder);
    for (Parameter parameter : model.parameters().all()) {
      double[] gradient = device.read(parameter.grad());
      assertThat(HostValues.relativeError(gradient, GoldenRun.of(parameter.spec(), gradients)))
          .as("relative error of the gradient of " + parameter.name())
          .isLessThan(tolerance);
    }
  }

  private void load(TestModel model, GoldenRun run) throws IOException {
    Map<String, double[]> weights = run.weights();
    for (Parameter parameter : model.parameters().all()) {
      device.write(parameter.value(), GoldenRun.of(parameter.spec(), weights));
    }
  }

  /** Means of the losses; the gradients are the model's. */
  private double[] train(TestModel model, List<int[]> samples) {
    int seqLength = samples.get(0).length - 1;
    Microbatch microbatch = device.microbatch(seqLength, 1, 1, 1);
    double numTokens = samples.size() * (double) seqLength;
    device.write(microbatch.gradScale(), 1 / numTokens);
    for (int[] sample : samples) {
      double[] tokens = Arrays.stream(sample).asDoubleStream().toArray();
      device.write(microbatch.tokens(), Arrays.copyOfRange(tokens, 0, seqLength));
      device.write(microbatch.targets(), Arrays.copyOfRange(tokens, 1, seqLength + 1));
      model.train(microbatch);
    }
    double[] sums = device.read(microbatch.lossSums());
    return Arrays.stream(sums).map(sum -> sum / numTokens).toArray();
  }
}
