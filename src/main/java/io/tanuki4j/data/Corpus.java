package io.tanuki4j.data;

import io.tanuki4j.error.UserException;

/**
 * Sequences of tokens with consecutive numbers; usually a document is one sequence. Thread-safe.
 */
interface Corpus extends AutoCloseable {
  /** Returns the number of sequences. */
  int numSequences();

  /** Returns the number of tokens in a sequence. */
  int length(int sequence);

  /**
   * Returns the number of tokens in sequences {@code from} (inclusive) to {@code to} (exclusive).
   */
  long numTokens(int from, int to);

  /** Copies the lengths of the sequences {@code numbers[from .. from + count)} to {@code into}. */
  void lengths(int[] numbers, int from, int count, int[] into);

  /**
   * Copies {@code count} tokens of a sequence, starting at its token {@code from}, to {@code
   * into[at]}.
   *
   * @throws UserException if a token is not an int
   */
  void read(int sequence, int from, int count, int[] into, int at);

  /**
   * Checks that everything read so far was complete.
   *
   * @throws UserException if a file was truncated since it was opened, naming it
   */
  void requireWhole();

  /** Returns the failure of a mapped file that could not be read. */
  UserException unreadable(InternalError cause);

  @Override
  void close();
}
