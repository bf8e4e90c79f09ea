package io.tanuki4j.comm.inprocess;

import io.tanuki4j.kernel.HostTensor;
import org.jspecify.annotations.Nullable;

/**
 * A rank's operands for a collective; none for a barrier.
 *
 * @param in the rank's contribution
 * @param out the rank's result; may be the same
 */
record Operands(@Nullable HostTensor in, @Nullable HostTensor out) {
  static final Operands NONE = new Operands(null, null);

  /** Copies the result into the rank's tensor. */
  void writeBack() {
    if (out != null) {
      out.writeBack();
    }
  }

  void close() {
    if (in != null) {
      in.close();
    }
    if (out != null) {
      out.close();
    }
  }
}
