package io.tanuki4j.convert;

import io.tanuki4j.checkpoint.ShardedTensor;
import java.io.IOException;
import java.nio.file.Path;

/** A disk that has no room for a tensor. */
public final class FullDisk {
  private FullDisk() {}

  /** Returns a tensor that fails where it would be written. */
  public static ShardedTensor instead(ShardedTensor tensor) {
    return ShardedTensor.whole(
        tensor.name(),
        tensor.type(),
        tensor.shape(),
        (first, into) -> {
          throw new IOException("No space left on device");
        });
  }

  /** Returns what a user reads. */
  public static String sentence(Path folder) {
    return folder
        + ": writing failed: No space left on device."
        + " Make room or choose another folder, and convert again.";
  }
}
