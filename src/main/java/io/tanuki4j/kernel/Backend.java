package io.tanuki4j.kernel;

/** A family of devices of one kind, for example {@code cpu} or {@code cuda}. */
public interface Backend extends AutoCloseable {
  /** Returns the name users give with {@code --backend}. */
  String name();

  int deviceCount();

  /**
   * @throws IllegalArgumentException if there is no device of this ordinal
   */
  Device openDevice(int ordinal);

  @Override
  void close();
}
