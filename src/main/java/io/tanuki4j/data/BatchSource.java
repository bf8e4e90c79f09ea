package io.tanuki4j.data;

/** Micro-batches in training order. Its whole resumable state is the number of consumed samples. */
public interface BatchSource extends AutoCloseable {
  /**
   * The next micro-batch of this rank.
   *
   * @throws io.tanuki4j.error.UserException if the samples are used up; the message says of what
   */
  TokenBatch next();

  /** Whether tokens may be masked out of the loss; the same on all ranks. */
  boolean masksTokens();

  /** Samples that all ranks together have consumed. */
  long consumedSamples();

  /** Samples that there are for all ranks together, the consumed ones included. */
  long numSamples();

  @Override
  void close();
}
