package io.tanuki4j.bench;

import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToLongFunction;

/**
 * What the Java heap has cost so far.
 *
 * @param collections of any collector
 * @param collectionMs how long they took
 * @param allocatedBytes by the threads that live now
 */
record HeapUse(long collections, long collectionMs, long allocatedBytes) {
  private static final double MILLIS_PER_SECOND = 1e3;

  static HeapUse now() {
    return new HeapUse(
        sum(GarbageCollectorMXBean::getCollectionCount),
        sum(GarbageCollectorMXBean::getCollectionTime),
        allocated());
  }

  HeapUse since(HeapUse earlier) {
    return new HeapUse(
        collections - earlier.collections,
        collectionMs - earlier.collectionMs,
        allocatedBytes - earlier.allocatedBytes);
  }

  static double secondsSinceStartOfJvm() {
    long start = ManagementFactory.getRuntimeMXBean().getStartTime();
    return (System.currentTimeMillis() - start) / MILLIS_PER_SECOND;
  }

  private static long sum(ToLongFunction<GarbageCollectorMXBean> value) {
    List<GarbageCollectorMXBean> collectors = ManagementFactory.getGarbageCollectorMXBeans();
    return collectors.stream().mapToLong(value).sum();
  }

  private static long allocated() {
    com.sun.management.ThreadMXBean threads =
        ManagementFactory.getPlatformMXBean(com.sun.management.ThreadMXBean.class);
    return Arrays.stream(threads.getThreadAllocatedBytes(threads.getAllThreadIds()))
        .filter(bytes -> bytes > 0)
        .sum();
  }
}
