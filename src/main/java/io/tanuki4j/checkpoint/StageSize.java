package io.tanuki4j.checkpoint;

import io.tanuki4j.kernel.HostStage;
import java.util.function.BiFunction;

/**
 * The host memory that a rank's share of a checkpoint is copied into.
 *
 * @param numSlots number of slots, which are written one after the other
 */
record StageSize(int numSlots, int slotBytes) {
  private static final int SLOT_BYTES = 16 << 20;
  private static final int MIN_SLOT_BYTES = 4096;
  private static final int NUM_THREADS = Math.max(1, Math.min(4, cores() / 2));

  /** Slots that keep all threads busy while others are filled. */
  private static final int NUM_SLOTS = NUM_THREADS + 2;

  private static int cores() {
    return Runtime.getRuntime().availableProcessors();
  }

  /**
   * Returns a few slots, for a caller that waits for the disk.
   *
   * @param bytes to be written
   */
  static StageSize passing(long bytes) {
    int slotBytes = (int) Math.max(MIN_SLOT_BYTES, Math.min(SLOT_BYTES, roundedUp(bytes)));
    return new StageSize((int) Math.min(NUM_SLOTS, bytes / slotBytes + 1), slotBytes);
  }

  private static long roundedUp(long bytes) {
    return (bytes + MIN_SLOT_BYTES - 1) / MIN_SLOT_BYTES * MIN_SLOT_BYTES;
  }

  /**
   * Returns slots for all that is written, one more for each kind's file, or as many as fit.
   *
   * @param limit bytes that may be taken
   */
  static StageSize holding(long bytes, long limit) {
    StageSize few = passing(bytes);
    long all = bytes / few.slotBytes + 1 + StateKind.values().length;
    long fitting = Math.max(few.numSlots, limit / few.slotBytes);
    return new StageSize((int) Math.min(Integer.MAX_VALUE, Math.min(all, fitting)), few.slotBytes);
  }

  /**
   * Returns a line for the user.
   *
   * @param toWrite bytes of a checkpoint that are to be written
   */
  String describe(long toWrite) {
    double gibibytes = (double) numSlots * slotBytes / (1L << 30);
    String plan =
        "async save: %.2f GiB of host memory for %.2f GiB of a checkpoint"
            .formatted(gibibytes, (double) toWrite / (1L << 30));
    return (long) numSlots * slotBytes >= toWrite
        ? plan
        : "WARNING: " + plan + ": memory is short, so a save waits until the rest is written";
  }

  /**
   * Opens a writer on a stage.
   *
   * @param stages makes a stage from a number of slots and their size in bytes
   */
  StagedWriter open(BiFunction<Integer, Integer, HostStage> stages) {
    return new StagedWriter(stages.apply(numSlots, slotBytes), NUM_THREADS);
  }
}
