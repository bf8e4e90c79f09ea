package io.tanuki4j.parallel.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.kernel.LossKernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.GradientCheck;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.TestDevice;
import io.tanuki4j.parallel.ParallelContext;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** On one rank, with the whole vocabulary. */
class VocabParallelHeadTest {
  private static final double Z_LOSS = 1e-4;

  private final TestDevice device = new TestDevice();

  @AfterEach
  void close() {
    device.close();
  }

  /** With the unit matrix as weight the input is the logits, and its gradient theirs. */
  @Test
  void z_loss_example_has_the_published_losses_and_gradient() {
    Parameter weight = device.parameter("weight", Shape.of(4, 4), 1);
    device.write(weight.value(), 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1);
    Tensor x = device.tensor(DType.F64, Shape.of(1, 1, 4), 1, 2, 3, 0.5);
    Microbatch microbatch = device.microbatch(1, 1, 4, 1);
    device.write(microbatch.targets(), 2);

    head(weight, Z_LOSS, 8).forward(x, microbatch);

    double[] sums = device.read(microbatch.lossSums());
    assertThat(sums[LossKernels.CROSS_ENTROPY]).isCloseTo(0.4607734891568512, within(1e-12));
    assertThat(sums[LossKernels.Z_LOSS]).isCloseTo(0.0011976953143250884, within(1e-12));
    double[] gradient = {0.08542798199, 0.23221733109, -0.36876784865, 0.05181469027};
    assertThat(device.read(x)).containsExactly(gradient, within(1e-10));
  }

  @ParameterizedTest(name = "z-loss {0}, chunks of {1} tokens")
  @CsvSource({"0, 100", "0, 3", "0.01, 4"})
  void gradients_match_central_differences(double zLoss, int chunkTokens) {
    Parameter weight = device.parameter("weight", Shape.of(11, 6), 1);
    VocabParallelHead head = head(weight, zLoss, chunkTokens);
    Microbatch microbatch = device.microbatch(5, 2, 11, 2);
    device.write(microbatch.lossMask(), 1, 1, 0, 1, 1, 1, 1, 0.5, 1, 1);
    Tensor x = device.random(Shape.of(5, 2, 6), 3);
    Tensor dx = device.scope().allocate(x.shape(), DType.F64);

    new GradientCheck(device)
        .input("x", x, dx)
        .parameters(List.of(weight))
        .verify(
            () -> {
              device.kernels().elementwise().copy(dx, x);
              head.forward(dx, microbatch);
            },
            () -> loss(head, x, microbatch));
  }

  @Test
  void losses_without_training_are_equal_and_leave_the_input() {
    Parameter weight = device.parameter("weight", Shape.of(11, 6), 1);
    VocabParallelHead head = head(weight, Z_LOSS, 4);
    Microbatch microbatch = device.microbatch(5, 2, 11, 2);
    Tensor x = device.random(Shape.of(5, 2, 6), 3);
    double[] before = device.read(x);

    double evaluated = loss(head, x, microbatch);

    assertThat(device.read(x)).containsExactly(before);
    assertThat(device.read(weight.grad())).containsOnly(0);
    device.kernels().elementwise().fill(microbatch.lossSums(), 0);
    head.forward(x, microbatch);
    double[] sums = device.read(microbatch.lossSums());
    assertThat((sums[0] + sums[1]) / 10).isCloseTo(evaluated, within(1e-15));
  }

  private VocabParallelHead head(Parameter weight, double zLoss, int chunkTokens) {
    ParallelContext alone = ParallelContext.single(device.device());
    TensorRegion region = TensorRegion.of(alone, device.kernels().elementwise(), false);
    return new VocabParallelHead(device.kernels(), weight, zLoss, region, chunkTokens);
  }

  /** The objective of an evaluation, scaled like the gradients. */
  private double loss(VocabParallelHead head, Tensor x, Microbatch training) {
    device.kernels().elementwise().fill(training.lossSums(), 0);
    try (MemoryScope scope = device.scope().child("evaluation")) {
      head.forward(x, TestDevice.evaluation(training.withScope(scope)));
    }
    double[] sums = device.read(training.lossSums());
    double scale = device.read(training.gradScale())[0];
    return scale * (sums[LossKernels.CROSS_ENTROPY] + sums[LossKernels.Z_LOSS]);
  }
}
