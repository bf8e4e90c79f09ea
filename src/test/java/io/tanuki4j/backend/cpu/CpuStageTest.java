package io.tanuki4j.backend.cpu;

import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.StageContract;

class CpuStageTest extends StageContract {
  @Override
  protected Device openDevice() {
    return new CpuBackend(2).openDevice(0);
  }
}
