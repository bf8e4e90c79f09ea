package io.tanuki4j.config;

import java.time.Duration;

/**
 * Which ranks there are and how they exchange tensors.
 *
 * @param backend of no meaning for a run of one rank
 * @param worldSize ranks in all
 * @param ranksPerGpu above 1 in a rehearsal, in which so many processes share each GPU
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
   * Ranks that share what a device says is free. Processes on CPUs do not: each has a limit of its
   * own.
   */
  public int ranksPerDevice() {
    return switch (backend) {
      case LOCAL -> worldSize;
      case GLOO -> 1;
      case NCCL -> ranksPerGpu;
    };
  }
}
