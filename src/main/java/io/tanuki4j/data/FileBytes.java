package io.tanuki4j.data;

/** Bytes of an open file. Thread-safe. */
sealed interface FileBytes extends AutoCloseable permits MappedBytes, PositionalBytes {
  /** Fills {@code into} with the bytes from a position on; the range is within the file. */
  void read(long position, byte[] into);

  @Override
  void close();
}
