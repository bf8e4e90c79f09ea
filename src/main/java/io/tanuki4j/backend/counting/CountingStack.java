package io.tanuki4j.backend.counting;

/** The height of a stack of tensors, and the most it has been; bytes. */
final class CountingStack {
  private static final long ALIGNMENT = 512;

  private long height;
  private long peak;

  void push(long bytes) {
    height += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    peak = Math.max(peak, height);
  }

  void backTo(long mark) {
    height = mark;
  }

  long height() {
    return height;
  }

  long peak() {
    return peak;
  }
}
