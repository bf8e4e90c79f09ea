package io.tanuki4j.config;

import java.time.Duration;

/**
 * Which ranks there are and how they exchange tensors.
 *
 * @param backend of no meaning for a run of one rank
 * @param worldSize ranks in all
 * @param timeout how long a rank waits for another
 */
public record DistributedConfig(Backend backend, int worldSize, Duration timeout) {
  /** {@code --distributed-backend}. */
  public enum Backend {
    /** Processes with a GPU each. */
    NCCL,
    /** Processes on CPUs, over TCP. */
    GLOO,
    /** Threads of this process, on its CPU. */
    LOCAL
  }

  /** Ranks that share the memory of a process. */
  public int ranksPerProcess() {
    return backend == Backend.LOCAL ? worldSize : 1;
  }
}
