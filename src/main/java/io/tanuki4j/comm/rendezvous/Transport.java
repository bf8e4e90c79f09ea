package io.tanuki4j.comm.rendezvous;

import io.tanuki4j.comm.ProcessGroupFactory;
import io.tanuki4j.kernel.Device;

/** How the processes of a run exchange tensors, once they have met. */
@FunctionalInterface
public interface Transport {
  /**
   * Returns the factory of this rank's groups; called once per rank.
   *
   * @param device where the rank's tensors are; the calling thread owns it
   */
  ProcessGroupFactory open(Rendezvous rendezvous, Device device);
}
