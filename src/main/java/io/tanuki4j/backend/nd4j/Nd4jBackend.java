package io.tanuki4j.backend.nd4j;

import io.tanuki4j.kernel.Backend;
import io.tanuki4j.kernel.Device;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The CPU. ND4J brings the matrix products; every other operation is a loop of ours.
 *
 * <p>There is one device, which may be opened several times (one per rank that is a thread); each
 * opening has its own pool of threads.
 */
public final class Nd4jBackend implements Backend {
  private final int numThreads;

  /** A thread for every core. */
  public Nd4jBackend() {
    this(Runtime.getRuntime().availableProcessors());
  }

  /**
   * @param numThreads that work on one operation, the caller's included; results do not depend on
   *     it
   */
  public Nd4jBackend(int numThreads) {
    if (numThreads < 1) {
      throw new IllegalArgumentException(
          "threads of the nd4j backend: %d (expected: 1 or more)".formatted(numThreads));
    }
    this.numThreads = numThreads;
    keepNativeThreadsOut();
  }

  /** The parallelism is ours alone: pools inside the libraries would fight with it. */
  private static void keepNativeThreadsOut() {
    Nd4j.getEnvironment().setMaxMasterThreads(1);
    Nd4j.factory().blas().setMaxThreads(1);
  }

  @Override
  public String name() {
    return "nd4j";
  }

  @Override
  public int deviceCount() {
    return 1;
  }

  @Override
  public Device openDevice(int ordinal) {
    if (ordinal != 0) {
      throw new IllegalArgumentException(
          "device of the nd4j backend: %d (expected: 0, the CPU)".formatted(ordinal));
    }
    return new Nd4jDevice(numThreads);
  }

  @Override
  public void close() {}
}
