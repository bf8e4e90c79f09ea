package io.tanuki4j.data;

import io.tanuki4j.error.UserException;

/** Sequences of tokens, numbered through; usually a document is one of them. Thread-safe. */
interface Corpus extends AutoCloseable {
  /** Number of sequences. */
  int numSequences();

  /** Tokens of a sequence. */
  int length(int sequence);

  /**
   * Copies {@code count} tokens of a sequence, from its token {@code from} on, to {@code into[at]}.
   *
   * @throws UserException if a token is not an int
   */
  void read(int sequence, int from, int count, int[] into, int at);

  /**
   * Checks that what has been read was whole.
   *
   * @throws UserException if a file was cut since it was opened, naming it
   */
  void requireWhole();

  /** What is said when a mapped file could not be read. */
  UserException unreadable(InternalError cause);

  @Override
  void close();
}
