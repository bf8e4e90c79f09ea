package io.tanuki4j.backend.cpu;

import io.tanuki4j.kernel.Backend;
import io.tanuki4j.kernel.Device;
import org.bytedeco.openblas.global.openblas;

/**
 * The CPU. OpenBLAS does the matrix products; every other operation is a loop of ours.
 *
 * <p>There is one device, which may be opened several times (one per rank that is a thread); each
 * opening has its own pool of threads.
 */
public final class CpuBackend implements Backend {
  private final int numThreads;

  /** Uses a thread for every core. */
  public CpuBackend() {
    this(Runtime.getRuntime().availableProcessors());
  }

  /**
   * @param numThreads that work on one operation, the caller's included; results do not depend on
   *     it
   */
  public CpuBackend(int numThreads) {
    if (numThreads < 1) {
      throw new IllegalArgumentException(
          "threads of the cpu backend: %d (expected: 1 or more)".formatted(numThreads));
    }
    this.numThreads = numThreads;
    keepNativeThreadsOut();
  }

  /** Keeps the native library single-threaded: its pool would compete with our own threads. */
  private static void keepNativeThreadsOut() {
    openblas.blas_set_num_threads(1);
  }

  @Override
  public String name() {
    return "cpu";
  }

  @Override
  public int deviceCount() {
    return 1;
  }

  @Override
  public Device openDevice(int ordinal) {
    if (ordinal != 0) {
      throw new IllegalArgumentException(
          "device of the cpu backend: %d (expected: 0, the CPU)".formatted(ordinal));
    }
    return new CpuDevice(numThreads);
  }

  @Override
  public void close() {}
}
