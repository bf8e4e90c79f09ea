package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.disk.NewFile;
import io.tanuki4j.checkpoint.disk.NewFile.Folders;
import io.tanuki4j.comm.TextExchange.CollectiveTask.Task;
import io.tanuki4j.error.DamagedException;
import io.tanuki4j.error.FailureSentence;
import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The layout of a folder of checkpoints: the names of iterations, the tracker that says which one
 * is the latest, the steps by which a checkpoint appears under its name, what a kill can leave
 * between them, and which old ones are kept.
 */
public final class CheckpointFolders {
  static final String TRACKER = "latest_checkpointed_iteration.txt";

  static final String RELEASE = "release";
  private static final int MAX_BYTES = 100;
  private static final String SAVING = ".saving";
  private static final String REPLACED = ".replaced";
  private static final String REMOVED = ".removed";
  private static final Pattern ITERATION = Pattern.compile("iter_([0-9]{7,9})");

  private CheckpointFolders() {}

  /**
   * Returns the name of the latest checkpoint's folder; empty if there is no tracker.
   *
   * @throws DamagedException if it holds neither an iteration nor {@code release}
   * @throws UserException if it is no file
   */
  public static Optional<String> latest(Path folder) throws IOException {
    Path file = folder.resolve(TRACKER);
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    if (!Files.isRegularFile(file)) { // reading a pipe would block
      throw new UserException(
          "%s: not a regular file (expected: one that holds an iteration). Replace it."
              .formatted(file));
    }
    String word = "";
    if (Files.size(file) <= MAX_BYTES) {
      word = new String(Files.readAllBytes(file), StandardCharsets.UTF_8).strip();
    }
    if (word.equals(RELEASE)) {
      return Optional.of(RELEASE);
    }
    if (!word.matches("[0-9]{1,9}") || Integer.parseInt(word) == 0) {
      throw new DamagedException(
          "%s: '%s' (expected: an iteration such as 500, or release). %s"
              .formatted(file, word, OtherIterations.remedy(folder, "")));
    }
    return Optional.of(nameOf(Integer.parseInt(word)));
  }

  /** Records the name of the latest checkpoint. */
  public static void setLatest(Path folder, long iteration) throws IOException {
    byte[] text = Long.toString(iteration).getBytes(StandardCharsets.UTF_8);
    NewFile.write(folder.resolve(TRACKER), text);
  }

  /** Returns Megatron's name for an iteration's folder. */
  public static String nameOf(long iteration) {
    return "iter_%07d".formatted(iteration);
  }

  /**
   * Makes an empty folder to write a checkpoint into.
   *
   * @throws UserException if publishing it would replace something that is not our checkpoint
   */
  static void begin(Path folder, String name) throws IOException {
    Path place = folder.resolve(name);
    if (Files.exists(place) && !Files.exists(place.resolve(Manifest.NAME))) {
      throw new UserException(
          "%s: it exists and has no %s, so it is not replaced. Save into another folder."
              .formatted(place, Manifest.NAME));
    }
    Files.createDirectory(saving(folder, name));
  }

  /** Returns the folder that a checkpoint is written in. */
  static Path saving(Path folder, String name) {
    return folder.resolve(name + SAVING);
  }

  /**
   * Moves the written checkpoint to its final name. An older one that was there is left aside for
   * {@link #removeLeftovers}.
   */
  static void publish(Path folder, String name) throws IOException {
    Path place = folder.resolve(name);
    Path replaced = folder.resolve(name + REPLACED);
    if (Files.exists(place)) {
      Folders.rename(place, replaced);
    }
    Folders.rename(saving(folder, name), place);
  }

  /** Frees the space of a failed save. */
  static void abandon(Path folder, String name, Exception reason) {
    try {
      Folders.delete(saving(folder, name));
    } catch (IOException e) {
      reason.addSuppressed(e);
    }
  }

  /**
   * Returns where a checkpoint is: under its name, or where it stepped aside if a kill fell between
   * the two renames of {@link #publish}.
   */
  static Path whole(Path folder, String name) {
    Path place = folder.resolve(name);
    Path replaced = folder.resolve(name + REPLACED);
    return !Files.exists(place) && Files.exists(replaced) ? replaced : place;
  }

  /** Returns a checkpoint's name, even if it stepped aside. */
  static String nameOf(Path place) {
    String name = place.toAbsolutePath().normalize().getFileName().toString();
    return name.endsWith(REPLACED) ? name.substring(0, name.length() - REPLACED.length()) : name;
  }

  /**
   * Removes what is no longer needed, of this save or killed ones. A checkpoint that stepped aside
   * returns to its name if no new one replaced it.
   *
   * @param unremoved receives a line about each folder that could not be removed
   */
  static void removeLeftovers(Path folder, Consumer<String> unremoved) throws IOException {
    for (Path path : Folders.list(folder)) {
      String name = path.getFileName().toString();
      if ((name.endsWith(SAVING) && isIteration(name, SAVING))
          || (name.endsWith(REMOVED) && isIteration(name, REMOVED))) {
        orTell(path, () -> Folders.delete(path), unremoved);
      } else if (name.endsWith(REPLACED) && isIteration(name, REPLACED)) {
        Path place = folder.resolve(name.substring(0, name.length() - REPLACED.length()));
        if (Files.exists(place)) {
          orTell(path, () -> Folders.delete(path), unremoved);
        } else {
          Folders.rename(path, place);
        }
      }
    }
  }

  private static void orTell(Path path, Task removal, Consumer<String> unremoved) {
    try {
      removal.run();
    } catch (IOException e) {
      unremoved.accept(
          "WARNING: %s could not be removed: %s. The run continues; remove it yourself."
              .formatted(path, FailureSentence.reason(e)));
    }
  }

  private static boolean isIteration(String name, String suffix) {
    return ITERATION.matcher(name.substring(0, name.length() - suffix.length())).matches();
  }

  /** Returns the iteration of a checkpoint's name; 0 for {@code release}. */
  static long iteration(String name) {
    Matcher matcher = ITERATION.matcher(name);
    return matcher.matches() ? Long.parseLong(matcher.group(1)) : 0;
  }

  /** Returns the iterations with a manifest, in ascending order. */
  static List<Long> iterations(Path folder) throws IOException {
    return Folders.list(folder).stream()
        .filter(path -> Files.exists(path.resolve(Manifest.NAME)))
        .map(path -> ITERATION.matcher(path.getFileName().toString()))
        .filter(Matcher::matches)
        .map(matcher -> Long.valueOf(matcher.group(1)))
        .sorted()
        .toList();
  }

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
     * Takes the checkpoints that are not kept from their names, so that {@link #removeLeftovers}
     * removes them.
     *
     * @param newest the iteration that was just published
     * @param unremoved receives a line about each that stays although nothing loads it
     */
    void apply(Path folder, long newest, Consumer<String> unremoved) throws IOException {
      for (long iteration : surplus(iterations(folder), newest)) {
        Path place = folder.resolve(nameOf(iteration));
        orTell(place, () -> takeAside(place), unremoved);
      }
    }

    /** Renames it under a lock, unless a process loads it: that one has a shared lock. */
    private static void takeAside(Path place) throws IOException {
      try (FileChannel manifest =
          FileChannel.open(place.resolve(Manifest.NAME), StandardOpenOption.WRITE)) {
        if (!isInUse(manifest)) {
          Folders.rename(place, place.resolveSibling(place.getFileName() + REMOVED));
        }
      }
    }

    private static boolean isInUse(FileChannel manifest) {
      try {
        return manifest.tryLock() == null; // which ends when the file is closed
      } catch (OverlappingFileLockException e) {
        return true;
      } catch (IOException e) {
        return false; // a file system without locks
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
  }
}
