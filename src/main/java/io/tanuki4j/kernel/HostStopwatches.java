package io.tanuki4j.kernel;

/** The clock of the host, for devices whose operations have finished when their calls return. */
final class HostStopwatches implements Stopwatches {
  private final long[] starts;
  private long[] sums;

  HostStopwatches(int number) {
    this.starts = new long[number];
    this.sums = new long[number];
  }

  @Override
  public void start(int index) {
    starts[index] = System.nanoTime();
  }

  @Override
  public void stop(int index) {
    sums[index] += System.nanoTime() - starts[index];
  }

  @Override
  public long[] takeNanos() {
    long[] taken = sums;
    sums = new long[taken.length];
    return taken;
  }

  @Override
  public void close() {}
}
