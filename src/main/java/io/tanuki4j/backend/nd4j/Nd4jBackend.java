package io.tanuki4j.backend.nd4j;

import io.tanuki4j.kernel.Backend;
import io.tanuki4j.kernel.Device;
import org.nd4j.linalg.factory.Nd4j;

/**
 * ND4J, the library of arrays of Deeplearning4j. Its artifact on the class path decides where it
 * computes: nd4j-native on the CPU, nd4j-cuda on a GPU. Ask {@link Nd4jLibrary} first whether there
 * is one.
 *
 * <p>There is one device, which may be opened several times (one per rank that is a thread). ND4J
 * computes with one thread per rank: some of its sums depend on their number.
 */
public final class Nd4jBackend implements Backend {
  /** The name users give with {@code --backend}. */
  public static final String NAME = "nd4j";

  /** Sets the threads of ND4J, for the whole process. */
  public Nd4jBackend() {
    Nd4j.getEnvironment().setMaxMasterThreads(1);
    Nd4j.factory().blas().setMaxThreads(1);
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public int deviceCount() {
    return 1;
  }

  @Override
  public Device openDevice(int ordinal) {
    if (ordinal != 0) {
      throw new IllegalArgumentException(
          "device of the nd4j backend: %d (expected: 0)".formatted(ordinal));
    }
    return new Nd4jDevice("ND4J, " + Nd4jLibrary.device());
  }

  @Override
  public void close() {}
}
