package io.tanuki4j.train;

import java.nio.file.Path;

/** What follows once a checkpoint is published. Rank 0 calls it, and goes on at once. */
@FunctionalInterface
public interface PublishedSaves {
  /** Nothing follows. */
  PublishedSaves NONE = (folder, iteration) -> {};

  /**
   * Begins what follows.
   *
   * @param folder of all checkpoints
   */
  void published(Path folder, long iteration);
}
