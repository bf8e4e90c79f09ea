package io.tanuki4j.backend.nd4j;

import java.util.Optional;
import org.nd4j.linalg.factory.Nd4j;

/** Whether ND4J, which is optional, can be used. */
public final class Nd4jLibrary {
  private static final String CLASS = "org.nd4j.linalg.factory.Nd4j";

  private Nd4jLibrary() {}

  /** Returns why {@code --backend nd4j} cannot be used, with the remedy; empty if it can. */
  public static Optional<String> obstacle() {
    try {
      Class.forName(CLASS);
      return Optional.empty();
    } catch (ClassNotFoundException e) {
      return Optional.of(
          "ND4J is not on the class path (expected: its jars in target/lib-nd4j)."
              + " Build them from the sources: mvn -B -q package -DskipTests -Pnd4j");
    } catch (LinkageError | RuntimeException e) {
      return Optional.of(
          "ND4J does not start: %s (expected: nd4j-native for this machine, or nd4j-cuda with CUDA 11.6)."
                  .formatted(cause(e))
              + " Build its jars again from the sources: mvn -B -q package -DskipTests -Pnd4j");
    }
  }

  private static Throwable cause(Throwable failure) {
    Throwable cause = failure;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause;
  }

  /** Returns what ND4J computes on, for people. */
  static String device() {
    return Nd4j.getBackend().getClass().getSimpleName();
  }
}
