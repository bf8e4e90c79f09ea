package io.tanuki4j.backend.cpu;

import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.TimerContract;

class CpuTimerTest extends TimerContract {
  @Override
  protected Device openDevice() {
    return new CpuBackend(2).openDevice(0);
  }
}
