package io.tanuki4j.backend.cuda;

import io.tanuki4j.kernel.KernelParity;
import io.tanuki4j.kernel.TwoDevices;
import io.tanuki4j.kernel.TwoDevices.Named;
import org.junit.jupiter.api.Tag;

@Tag("gpu")
class KernelParityTest extends KernelParity {
  @Override
  protected TwoDevices openDevices() {
    return new TwoDevices(new Named("cuda", TestGpu.open()), new Named("cpu", TestGpu.openCpu()));
  }
}
