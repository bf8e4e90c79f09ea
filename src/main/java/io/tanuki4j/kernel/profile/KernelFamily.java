package io.tanuki4j.kernel.profile;

import java.util.Locale;

/** Operations that belong together, as in {@link io.tanuki4j.kernel.Kernels}. */
public enum KernelFamily {
  MATMUL,
  QUANTIZE,
  ATTENTION,
  NORM,
  ROPE,
  ACTIVATION,
  EMBEDDING,
  LOSS,
  OPTIMIZER,
  ELEMENTWISE,
  RANDOM,
  /** Waiting for other ranks. */
  COMMUNICATION;

  /** Returns the name in lower case, as reports write it. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
