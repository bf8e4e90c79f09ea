package io.tanuki4j.config;

import java.time.Duration;

/**
 * The ranks of a run, and how they exchange tensors.
 *
 * @param backend ignored by a run of one rank
 * @param worldSize ranks in all
 * @param ranksPerGpu above 1 in a rehearsal, in which this many processes share each GPU
 * @param timeout how long a rank waits for another
 */
public record DistributedConfig(Backend backend, int worldSize, int ranksPerGpu, Duration timeout) {
  /** {@code --distributed-backend}. */
  public enum Backend {
    /** Processes with a GPU each. */
    NCCL,
    /** Processes on CPUs, over TCP. */
    GLOO,
    /** Threads of this process, on its CPU. */
    LOCAL
  }

  /**
   * Returns how many ranks share a device's free memory. Processes on CPUs do not share it: each
   * has its own limit.
   */
  public int ranksPerDevice() {
    return switch (backend) {
      case LOCAL -> worldSize;
      case GLOO -> 1;
      case NCCL -> ranksPerGpu;
    };
  }
}
