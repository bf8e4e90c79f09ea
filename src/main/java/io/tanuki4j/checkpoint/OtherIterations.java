package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.Manifest.ShardFile;
import io.tanuki4j.checkpoint.disk.NewFile.Folders;
import io.tanuki4j.error.DamagedException;
import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

/** Finds what can be loaded in place of a damaged checkpoint. */
final class OtherIterations {
  private OtherIterations() {}

  /**
   * Returns the sentence that names the intact iterations in a folder.
   *
   * @param name of the damaged checkpoint, which is left out; empty for none
   */
  static String remedy(Path folder, String name) {
    try {
      String whole =
          whole(folder).stream()
              .filter(iteration -> !CheckpointFolders.nameOf(iteration).equals(name))
              .map(String::valueOf)
              .collect(Collectors.joining(", "));
      return whole.isEmpty()
          ? "No other iteration there can be loaded: choose another folder."
          : "Iterations that can be loaded with --ckpt-step: " + whole + ".";
    } catch (IOException e) {
      return "Choose another folder, since this one cannot be listed.";
    }
  }

  /**
   * Requires that no intact iterations lie beside a tracker that is missing.
   *
   * @throws DamagedException that names them
   */
  static void requireNone(Path tracker) throws IOException {
    Path folder = Folders.parentOf(tracker);
    if (!whole(folder).isEmpty()) {
      throw new DamagedException(
          "%s: there is no such file, though there are checkpoints. %s"
              .formatted(tracker, remedy(folder, "")));
    }
  }

  /** Returns the sentence for the folder of one iteration. */
  static String remedy(Path damaged) {
    return remedy(Folders.parentOf(damaged), CheckpointFolders.nameOf(damaged));
  }

  /**
   * Returns the iterations with a valid manifest whose files have the recorded sizes, in ascending
   * order. Checksums are checked when loading.
   */
  static List<Long> whole(Path folder) throws IOException {
    return CheckpointFolders.iterations(folder).stream()
        .filter(iteration -> isWhole(folder.resolve(CheckpointFolders.nameOf(iteration))))
        .toList();
  }

  private static boolean isWhole(Path place) {
    try {
      for (ShardFile file : ManifestReader.read(place).files()) {
        if (Files.size(place.resolve(file.name())) != file.size()) {
          return false;
        }
      }
      return true;
    } catch (IOException | ManifestReader.UnfitException | UserException e) {
      return false;
    }
  }
}
