package io.tanuki4j.data;

/** Micro-batches in training order. Its whole resumable state is the number of consumed samples. */
public interface BatchSource extends AutoCloseable {
  /**
   * Returns the next micro-batch of this rank.
   *
   * @throws io.tanuki4j.error.UserException if the samples are used up; the message names the data
   */
  TokenBatch next();

  /** Returns whether tokens may be masked out of the loss; the same on all ranks. */
  boolean masksTokens();

  /** Returns how many samples all ranks together have consumed. */
  long consumedSamples();

  /** Returns how many samples all ranks together have, the consumed ones included. */
  long numSamples();

  @Override
  void close();
}
