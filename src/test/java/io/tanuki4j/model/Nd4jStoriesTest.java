package io.tanuki4j.model;

import io.tanuki4j.backend.nd4j.Nd4jBackend;
import io.tanuki4j.nn.TestDevice;
import org.junit.jupiter.api.Tag;

/** Real trained weights on ND4J. */
@Tag("slow")
class Nd4jStoriesTest extends StoriesTest {
  @Override
  TestDevice openDevice() {
    return new TestDevice(new Nd4jBackend());
  }
}
