package io.tanuki4j.data;

/** Bytes of an open file. Thread-safe. */
sealed interface FileBytes extends AutoCloseable permits MappedBytes, PositionalBytes {
  /** Fills {@code into} with the bytes that start at a position. The range lies within the file. */
  void read(long position, byte[] into);

  @Override
  void close();
}
