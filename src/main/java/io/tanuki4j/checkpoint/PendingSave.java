package io.tanuki4j.checkpoint;

/** A save whose tensors are copied and on their way to the disk. All ranks call its methods. */
public interface PendingSave {
  /** Returns whether this rank's files are written, or writing them has failed. */
  boolean isWritten();

  /**
   * Lets rank 0 publish the checkpoint in the background. Waits until all ranks have written.
   *
   * @throws java.io.UncheckedIOException on every rank, if one could not write
   */
  void publish();

  /** Returns whether rank 0 has published it, or has failed to; other ranks don't know. */
  boolean isPublished();

  /**
   * Waits until the checkpoint is published.
   *
   * @throws java.io.UncheckedIOException on every rank, if it cannot be; earlier ones remain
   */
  void finish();
}
