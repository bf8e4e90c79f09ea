package io.tanuki4j.backend.cuda;

import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.TimerContract;
import org.junit.jupiter.api.Tag;

@Tag("gpu")
class CudaTimerTest extends TimerContract {
  @Override
  protected Device openDevice() {
    return TestGpu.open();
  }
}
