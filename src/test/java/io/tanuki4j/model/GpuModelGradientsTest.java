package io.tanuki4j.model;

import io.tanuki4j.backend.cuda.TestGpu;
import io.tanuki4j.nn.TestDevice;
import org.junit.jupiter.api.Tag;

/** Whole models on a GPU. */
@Tag("gpu")
class GpuModelGradientsTest extends ModelGradientParity {
  @Override
  ModelGradients open() {
    return new ModelGradients("cuda", new TestDevice(TestGpu.backend()));
  }
}
