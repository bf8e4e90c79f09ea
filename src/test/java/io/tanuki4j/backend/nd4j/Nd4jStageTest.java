package io.tanuki4j.backend.nd4j;

import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.StageContract;

class Nd4jStageTest extends StageContract {
  @Override
  protected Device openDevice() {
    return new Nd4jBackend().openDevice(0);
  }
}
