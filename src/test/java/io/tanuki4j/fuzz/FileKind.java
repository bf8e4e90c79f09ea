package io.tanuki4j.fuzz;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiPredicate;

/**
 * A kind of file that the program reads.
 *
 * @param file the one that is damaged; what it needs lies around it, undamaged
 * @param other a file that somebody could have put in its place
 * @param reading what the program does with it; returns its meaning
 * @param accepted whether a damaged file that is read may mean this: the first meaning is that of
 *     the file before
 */
record FileKind(
    String name,
    Path file,
    Path other,
    Reading reading,
    BiPredicate<List<Object>, List<Object>> accepted) {

  /** Reads the file and returns what it means. */
  @FunctionalInterface
  interface Reading {
    List<Object> read() throws Exception;
  }

  /** For files with checksums or redundancy: what is read is what was written. */
  static boolean equal(List<Object> before, List<Object> after) {
    return Arrays.deepEquals(before.toArray(), after.toArray());
  }

  /** For texts and formats without a checksum: another valid file cannot be told from damage. */
  static boolean valid(List<Object> before, List<Object> after) {
    return true;
  }

  /** For numbers without a checksum in a frame with one: as many of them. */
  static boolean sameSizes(List<Object> before, List<Object> after) {
    return sizes(before).equals(sizes(after));
  }

  private static List<Integer> sizes(List<Object> meaning) {
    return meaning.stream().map(FileKind::size).toList();
  }

  private static int size(Object value) {
    if (value instanceof int[] numbers) {
      return numbers.length;
    }
    return value instanceof byte[] bytes ? bytes.length : value.hashCode();
  }

  @Override
  public String toString() {
    return name;
  }
}
