package io.tanuki4j.model;

import io.tanuki4j.backend.nd4j.Nd4jBackend;
import io.tanuki4j.nn.TestDevice;
import org.junit.jupiter.api.Tag;

/** A whole model and its gradient checks on ND4J. */
@Tag("slow")
class Nd4jGptChunkTest extends GptChunkTest {
  @Override
  TestDevice openDevice() {
    return new TestDevice(new Nd4jBackend());
  }
}
