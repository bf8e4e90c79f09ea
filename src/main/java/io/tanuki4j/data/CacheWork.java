package io.tanuki4j.data;

import io.tanuki4j.error.FailureSentence;
import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * What all builds of sample orders of a run share: the part of the heap that they take together,
 * and the way of their files to the disk, which no build waits for. Thread-safe.
 */
final class CacheWork {
  private static final int MIB_BITS = 20;

  private final int budget;
  private final Semaphore free;
  private final List<Path> written = new ArrayList<>();
  private volatile @Nullable Loss loss;

  /** A file that did not reach the disk, and why. */
  private record Loss(Path file, IOException reason) {}

  /**
   * @param heapBytes that the builds may take together
   */
  CacheWork(long heapBytes) {
    budget = (int) Math.max(1, heapBytes >> MIB_BITS);
    free = new Semaphore(budget, true);
  }

  /** Shares half of the heap. */
  static CacheWork ofHalfTheHeap() {
    return new CacheWork(Runtime.getRuntime().maxMemory() / 2);
  }

  /** Returns whether work that takes this much of the heap fits at all. */
  boolean fits(long bytes) {
    return mebibytes(bytes) <= budget;
  }

  /**
   * Runs a task as soon as that much of the heap is left by the others. One that takes more than
   * there is waits until it is alone.
   */
  void within(long bytes, Concurrent.Task task) throws IOException {
    int taken = (int) Math.min(mebibytes(bytes), budget);
    free.acquireUninterruptibly(taken);
    try {
      task.run();
    } finally {
      free.release(taken);
    }
  }

  /** Remembers a file that is complete, but perhaps not on the disk yet. */
  synchronized void wrote(Path file) {
    written.add(file);
  }

  /** Starts to bring all files to the disk. */
  synchronized void toDisk() {
    if (!written.isEmpty()) {
      List<Path> files = List.copyOf(written);
      written.clear();
      Thread thread = new Thread(() -> files.forEach(this::force), "data cache to disk");
      thread.setDaemon(true);
      thread.start();
    }
  }

  /**
   * Checks that no file has failed on its way to the disk so far: what is mapped would be lost.
   *
   * @throws UserException that names the first one
   */
  void requireKept() {
    Loss found = loss;
    if (found != null) {
      throw new UserException(
          ("%s: the sample order did not reach the disk (%s). Delete it, and give a writable folder"
                  + " with room by --data-cache-path.")
              .formatted(found.file, FailureSentence.withoutFile(found.reason)),
          found.reason);
    }
  }

  private void force(Path file) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.force(true);
    } catch (NoSuchFileException e) {
      // Deleted since. What is mapped of it stays.
    } catch (IOException e) {
      if (loss == null) {
        loss = new Loss(file, e);
      }
    }
  }

  private static long mebibytes(long bytes) {
    return (bytes >> MIB_BITS) + 1;
  }
}
