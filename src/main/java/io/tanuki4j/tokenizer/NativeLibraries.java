package io.tanuki4j.tokenizer;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Objects;

/** Rules for djl's two libraries: no network, and one sentence if they cannot be loaded. */
final class NativeLibraries {
  private NativeLibraries() {}

  /**
   * Keeps djl off the network. Otherwise it reports its use to its vendor on Amazon's machines. On
   * machines with a GPU it downloads a CUDA build of the tokenizers library, although its jar
   * contains the one for CPUs.
   */
  static void stayOffline() {
    System.setProperty("OPT_OUT_TRACKING", "true");
    System.setProperty("ai.djl.offline", "true");
  }

  /** Returns the exception of a library that cannot be unpacked or is not for this machine. */
  static UncheckedIOException unavailable(String library, Throwable e) {
    Throwable reason = Objects.requireNonNullElse(e.getCause(), e);
    String sentence =
        "%s's native part cannot be loaded (%s). It is unpacked into .djl.ai in the"
                .formatted(library, reason.getMessage())
            + " home folder; name another writable folder with the variable DJL_CACHE_DIR.";
    return new UncheckedIOException(new IOException(sentence, e));
  }
}
