package io.tanuki4j.model;

import io.tanuki4j.kernel.Outputs;
import io.tanuki4j.nn.GradientCheck;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.TestDevice;
import io.tanuki4j.tensor.DType;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A tiny model's gradients on a backend.
 *
 * @param backend the name users give
 */
record ModelGradients(String backend, TestDevice device) {
  /**
   * Checks the gradients in fp64 along random directions.
   *
   * @return the largest relative error
   */
  double verify(TestConfig variant) {
    TestModel model = new TestModel(device, variant.config());
    Microbatch microbatch = microbatch();
    double error =
        new GradientCheck(device)
            .parameters(model.chunk().parameters())
            .verifyTogether(() -> model.train(microbatch), () -> model.evaluate(microbatch));
    Outputs.keep(backend, "gradient check/" + variant, new double[] {error});
    return error;
  }

  /** Returns the gradients in fp32 by parameter. */
  Map<String, double[]> inFp32(TestConfig variant) {
    TestModel model = new TestModel(device, variant.config(), DType.F32);
    device.kernels().elementwise().fill(model.parameters().grads(), 0);
    model.train(microbatch());
    Map<String, double[]> gradients = new LinkedHashMap<>();
    for (Parameter parameter : model.chunk().parameters()) {
      double[] gradient = device.read(parameter.grad());
      Outputs.keep(backend, "model gradients/" + variant + "/" + parameter.name(), gradient);
      gradients.put(parameter.name(), gradient);
    }
    return gradients;
  }

  private Microbatch microbatch() {
    Microbatch microbatch = device.microbatch(TestConfig.SEQ_LENGTH, 2, TestConfig.VOCAB_SIZE, 5);
    device.write(microbatch.lossMask(), 1, 1, 1, 0, 1, 1, 1, 0.5, 1, 1);
    return microbatch;
  }
}
