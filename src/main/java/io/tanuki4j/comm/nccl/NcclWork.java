package io.tanuki4j.comm.nccl;

import io.tanuki4j.backend.cuda.CudaDevice;
import io.tanuki4j.backend.cuda.CudaMark;
import io.tanuki4j.comm.ProcessGroup.Work;

/** A communication on its group's stream, with a mark behind it. */
final class NcclWork implements Work {
  private final NcclGroup group;
  private final CudaDevice device;
  private final CudaMark done;
  private boolean awaited;

  NcclWork(NcclGroup group, CudaDevice device, CudaMark done) {
    this.group = group;
    this.device = device;
    this.done = done;
  }

  /** Makes the device's operations wait, but not the host. */
  @Override
  public void await() {
    if (!awaited) {
      awaited = true;
      device.await(done);
      group.giveBack(done);
    }
  }
}
