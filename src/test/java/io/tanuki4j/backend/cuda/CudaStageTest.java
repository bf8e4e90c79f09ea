package io.tanuki4j.backend.cuda;

import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.StageContract;
import org.junit.jupiter.api.Tag;

@Tag("gpu")
class CudaStageTest extends StageContract {
  @Override
  protected Device openDevice() {
    return TestGpu.open();
  }
}
