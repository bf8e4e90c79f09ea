package io.tanuki4j.data.preprocess;

import java.nio.file.Path;

/**
 * Successive lines of a file.
 *
 * @param firstLine number of the first one in its file, from 1
 * @param firstIndex number of the first one in all files, from 0
 * @param bytes the lines in {@code [0, size)}; each but perhaps the last ends with a newline
 * @param size bytes of text; the array may be longer
 */
record LineBatch(Path file, long firstLine, long firstIndex, byte[] bytes, int size) {
  /**
   * Returns the end of the line that begins at {@code from}: its newline, or the end of the batch.
   */
  int lineEnd(int from) {
    int end = from;
    while (end < size && bytes[end] != '\n') {
      end++;
    }
    return end;
  }
}
