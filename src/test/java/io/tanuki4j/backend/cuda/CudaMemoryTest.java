package io.tanuki4j.backend.cuda;

import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.MemoryContract;
import org.junit.jupiter.api.Tag;

@Tag("gpu")
class CudaMemoryTest extends MemoryContract {
  @Override
  protected Device openDevice() {
    return TestGpu.open();
  }
}
