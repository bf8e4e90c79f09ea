package io.tanuki4j.parallel;

/**
 * Receives the problems of a layout, each with the flag to change, as {@code Problems::add} does.
 */
@FunctionalInterface
public interface LayoutProblems {
  /**
   * @param flag as the user writes it
   * @param expected what would be right
   * @param remedy what to do, a sentence
   */
  void add(String flag, Object value, String expected, String remedy);
}
