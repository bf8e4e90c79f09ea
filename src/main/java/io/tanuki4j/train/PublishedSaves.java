package io.tanuki4j.train;

import java.nio.file.Path;

/** What follows once a checkpoint is published. Rank 0 calls it, and goes on at once. */
@FunctionalInterface
public interface PublishedSaves {
  /** Nothing follows. */
  PublishedSaves NONE = (folder, iteration) -> {};

  /**
   * Looks at what earlier runs left, before the run begins.
   *
   * @param folder of all checkpoints, which this run alone saves to from now on
   */
  default void opened(Path folder) {}

  /**
   * Begins what follows.
   *
   * @param folder of all checkpoints
   */
  void published(Path folder, long iteration);
}
