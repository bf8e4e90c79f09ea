package io.tanuki4j.checkpoint.disk;

import io.tanuki4j.checkpoint.disk.NewFile.Folders;
import io.tanuki4j.error.FailureSentence;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Folders that appear under their names only when they are complete. Each is written under a
 * temporary name next to it and renamed. One that cannot be finished is removed; a kill leaves it
 * under the temporary name.
 */
public final class NewFolder {
  private static final String SAVING = ".saving";
  private static final String REMOVED = ".removed";

  private NewFolder() {}

  /** Writes what is in a folder. */
  @FunctionalInterface
  public interface Content {
    /**
     * Writes it.
     *
     * @param folder exists and is empty
     */
    void write(Path folder) throws IOException;
  }

  /**
   * Writes a folder.
   *
   * @param folder must not exist, or be empty
   * @throws UncheckedIOException with a sentence for the user, if it cannot be written
   */
  public static void write(Path folder, Content content) {
    Path saving = folder.resolveSibling(folder.getFileName() + SAVING);
    try {
      Folders.delete(saving);
      Files.createDirectories(saving);
      content.write(saving);
      Files.deleteIfExists(folder);
      Folders.rename(saving, folder);
    } catch (IOException e) {
      abandon(saving, e);
      throw failure(folder, e);
    } catch (RuntimeException | Error e) {
      abandon(saving, e);
      throw e;
    }
  }

  /**
   * Takes a folder's name from it in one step, whatever its size; does nothing if there is none.
   * {@link #removeLeftovers} frees its space.
   */
  public static void retract(Path folder) throws IOException {
    if (Files.exists(folder)) {
      Path removed = folder.resolveSibling(folder.getFileName() + REMOVED);
      Folders.delete(removed);
      Folders.rename(folder, removed);
    }
  }

  /**
   * Removes what retracted or unfinished folders left under temporary names.
   *
   * @param name of the folders, as a pattern
   * @return what was unfinished
   */
  public static List<Path> removeLeftovers(Path parent, String name) throws IOException {
    List<Path> unfinished = new ArrayList<>();
    for (Path path : Folders.list(parent)) {
      String found = path.getFileName().toString();
      if (found.matches(name + SAVING)) {
        unfinished.add(path);
      }
      if (found.matches(name + "(%s|%s)".formatted(SAVING, REMOVED))) {
        Folders.delete(path);
      }
    }
    return unfinished;
  }

  private static void abandon(Path saving, Throwable reason) {
    try {
      Folders.delete(saving);
    } catch (IOException e) {
      reason.addSuppressed(e);
    }
  }

  /** Returns the sentence of a folder that could not be written, or what belongs to it. */
  public static UncheckedIOException failure(Path folder, IOException cause) {
    return new UncheckedIOException(
        "%s: writing failed: %s. Make room or choose another folder, and convert again."
            .formatted(folder, FailureSentence.reason(cause)),
        cause);
  }
}
