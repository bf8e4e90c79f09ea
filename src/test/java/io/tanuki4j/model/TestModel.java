package io.tanuki4j.model;

import io.tanuki4j.kernel.LossKernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.Initializer;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.nn.TestDevice;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.util.Arrays;
import java.util.Objects;
import java.util.Random;

/** A model on a test device, in fp64, with random weights. */
final class TestModel {
  private static final long SEED = 42;

  private final TestDevice device;
  private final ParameterBuffers parameters;
  private final ModelBuilder builder;
  private final GptChunk chunk;

  TestModel(TestDevice device, ModelConfig config) {
    this(device, config, DType.F64);
  }

  /**
   * @param dtype of weights and activations
   */
  TestModel(TestDevice device, ModelConfig config, DType dtype) {
    this.device = device;
    this.parameters =
        ParameterBuffers.allocate(
            ModelParameters.specs(config), device.scope(), dtype, dtype.statisticsType());
    new Initializer(device.kernels(), SEED).initialize(parameters);
    perturbNorms();
    this.builder = new ModelBuilder(config, device.device(), parameters, device.scope());
    this.chunk = builder.build();
  }

  GptChunk chunk() {
    return chunk;
  }

  ModelBuilder builder() {
    return builder;
  }

  ParameterBuffers parameters() {
    return parameters;
  }

  /** Adds the gradients of one micro-batch. */
  void train(Microbatch microbatch) {
    try (MemoryScope scope = device.scope().child("micro-batch")) {
      Microbatch scoped = microbatch.withScope(scope);
      GptChunk.Saved saved = chunk.forward(null, scoped).saved();
      chunk.backward(saved, null, scoped);
    }
  }

  /** The objective that gradients belong to: cross entropy and z-loss, scaled. */
  double evaluate(Microbatch microbatch) {
    device.kernels().elementwise().fill(microbatch.lossSums(), 0);
    try (MemoryScope scope = device.scope().child("micro-batch")) {
      chunk.forward(null, TestDevice.evaluation(microbatch.withScope(scope)));
    }
    double[] sums = device.read(microbatch.lossSums());
    double scale = device.read(microbatch.gradScale())[0];
    return scale * (sums[LossKernels.CROSS_ENTROPY] + sums[LossKernels.Z_LOSS]);
  }

  /** Loss sums and all gradients of one micro-batch. */
  double[] lossesAndGradients(Microbatch microbatch) {
    device.kernels().elementwise().fill(parameters.grads(), 0);
    device.kernels().elementwise().fill(microbatch.lossSums(), 0);
    train(microbatch);
    return lossesAndGradientsNow(microbatch);
  }

  double[] lossesAndGradientsNow(Microbatch microbatch) {
    double[] sums = device.read(microbatch.lossSums());
    double[] grads = device.read(parameters.grads());
    double[] all = Arrays.copyOf(sums, sums.length + grads.length);
    System.arraycopy(grads, 0, all, sums.length, grads.length);
    return all;
  }

  Tensor value(String name) {
    return Objects.requireNonNull(parameters.get(name)).value();
  }

  /** Ones hide errors in the norm's gradients. */
  private void perturbNorms() {
    Random random = new Random(SEED);
    for (Parameter parameter : parameters.all()) {
      if (!parameter.spec().weightDecay()) {
        double[] values = device.read(parameter.value());
        Arrays.setAll(values, i -> values[i] + 0.3 * random.nextGaussian());
        device.write(parameter.value(), values);
      }
    }
  }
}
