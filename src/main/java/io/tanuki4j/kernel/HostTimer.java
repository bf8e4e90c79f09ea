package io.tanuki4j.kernel;

/** The clock of the host, for devices whose operations have finished when their calls return. */
final class HostTimer implements DeviceTimer {
  private static final double NANOS_PER_MILLI = 1e6;

  private final long[] nanos;

  HostTimer(int numMarks) {
    this.nanos = new long[numMarks];
  }

  @Override
  public void mark(int index) {
    nanos[index] = System.nanoTime();
  }

  @Override
  public double millisBetween(int from, int to) {
    return (nanos[to] - nanos[from]) / NANOS_PER_MILLI;
  }

  @Override
  public void close() {}
}
