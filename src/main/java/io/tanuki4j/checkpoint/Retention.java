package io.tanuki4j.checkpoint;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which checkpoints are kept when a new one is published. Later iterations are never touched. A
 * checkpoint that a process is loading is left for the next time.
 *
 * @param interval its multiples are kept; null for none
 * @param numNewest how many of the newest others are kept, the new one included; null for all, or
 *     for one if there is an interval
 */
public record Retention(@Nullable Integer interval, @Nullable Integer numNewest) {
  /** Keeps everything. */
  public static final Retention ALL = new Retention(null, null);

  /**
   * Removes the checkpoints that are not kept.
   *
   * @param newest the iteration that was just published
   */
  void apply(Path folder, long newest) throws IOException {
    for (long iteration : surplus(CheckpointFolders.iterations(folder), newest)) {
      Path place = folder.resolve(CheckpointFolders.nameOf(iteration));
      if (!isInUse(place)) {
        CheckpointFolders.remove(place);
      }
    }
  }

  /** Returns the iterations that are not kept. */
  List<Long> surplus(List<Long> iterations, long newest) {
    if (interval == null && numNewest == null) {
      return List.of();
    }
    int kept = numNewest == null ? 1 : numNewest;
    return iterations.stream()
        .filter(iteration -> iteration <= newest)
        .sorted(Comparator.reverseOrder())
        .skip(kept)
        .filter(iteration -> interval == null || iteration % interval != 0)
        .toList();
  }

  /**
   * Returns whether a process is loading a checkpoint: it then holds a shared lock on the manifest.
   */
  private static boolean isInUse(Path place) throws IOException {
    try (FileChannel manifest =
        FileChannel.open(place.resolve(Manifest.NAME), StandardOpenOption.WRITE)) {
      return isLocked(manifest);
    }
  }

  private static boolean isLocked(FileChannel manifest) {
    try (FileLock lock = manifest.tryLock()) {
      return lock == null;
    } catch (OverlappingFileLockException e) {
      return true;
    } catch (IOException e) {
      return false; // a file system without locks
    }
  }
}
