package io.tanuki4j.backend.nd4j;

import io.tanuki4j.backend.cpu.CpuBackend;
import io.tanuki4j.kernel.KernelParity;
import io.tanuki4j.kernel.TwoDevices;
import io.tanuki4j.kernel.TwoDevices.Named;

/** ND4J as the oracle of every operation: an error that our own backends share shows here. */
class Nd4jParityTest extends KernelParity {
  @Override
  protected int maxColumns() {
    return 1000;
  }

  @Override
  protected TwoDevices openDevices() {
    return new TwoDevices(
        new Named("cpu", new CpuBackend(2).openDevice(0)),
        new Named(Nd4jBackend.NAME, new Nd4jBackend().openDevice(0)));
  }
}
