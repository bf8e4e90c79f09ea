package io.tanuki4j.backend.nd4j;

import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.MemoryContract;

class Nd4jMemoryTest extends MemoryContract {
  @Override
  protected Device openDevice() {
    return new Nd4jBackend().openDevice(0);
  }
}
