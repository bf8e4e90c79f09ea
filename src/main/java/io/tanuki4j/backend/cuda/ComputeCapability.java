package io.tanuki4j.backend.cuda;

import java.util.Optional;

/** NVIDIA's number for what a GPU can do. */
public record ComputeCapability(int major, int minor) {
  private static final ComputeCapability FP8 = new ComputeCapability(8, 9);
  private static final int HOPPER = 9;
  private static final int BLACKWELL = 10;

  /** Returns whether matrix units support FP8. */
  public boolean hasFp8() {
    return major > FP8.major || (major == FP8.major && minor >= FP8.minor);
  }

  /**
   * Returns whether cuDNN's attention, forward and backward, takes sequences of different lengths
   * that lie one after another, with the logarithms of their rows.
   */
  boolean hasPackedAttention() {
    return major == HOPPER || major == BLACKWELL;
  }

  /**
   * Returns why a GPU cannot multiply in FP8; empty if it can.
   *
   * @param gpu its name
   */
  public Optional<String> obstacleToFp8(String gpu) {
    return hasFp8() ? Optional.empty() : Optional.of(gpu + " has compute capability " + this);
  }

  @Override
  public String toString() {
    return major + "." + minor;
  }
}
