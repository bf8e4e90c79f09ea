package io.tanuki4j.comm.inprocess;

import io.tanuki4j.comm.host.HostTensor;
import org.jspecify.annotations.Nullable;

/**
 * What a rank brings to a collective; nothing to a barrier.
 *
 * @param in what it contributes
 * @param out what it gets; may be the same
 */
record Operands(@Nullable HostTensor in, @Nullable HostTensor out) {
  static final Operands NONE = new Operands(null, null);

  /** Brings the result into the rank's tensor. */
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
