package io.tanuki4j.data;

/** Numbers in a fixed order, in memory or in a file. Thread-safe. */
@FunctionalInterface
interface IndexArray {
  long get(long index);
}
