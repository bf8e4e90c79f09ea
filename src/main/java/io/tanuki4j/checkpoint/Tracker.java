package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.disk.NewFile;
import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** The small file that says which checkpoint of a folder is the latest. */
public final class Tracker {
  static final String NAME = "latest_checkpointed_iteration.txt";

  static final String RELEASE = "release";
  private static final int MAX_BYTES = 100;

  private Tracker() {}

  /**
   * Returns the name of the latest checkpoint's folder; empty if there is no tracker.
   *
   * @throws DamagedException if it holds neither an iteration nor {@code release}
   * @throws UserException if it is no file
   */
  public static Optional<String> read(Path folder) throws IOException {
    Path file = folder.resolve(NAME);
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
    return Optional.of(folderName(Integer.parseInt(word)));
  }

  /** Records the name of the latest checkpoint. */
  public static void write(Path folder, long iteration) throws IOException {
    byte[] text = Long.toString(iteration).getBytes(StandardCharsets.UTF_8);
    NewFile.write(folder.resolve(NAME), text);
  }

  /** Returns Megatron's name for an iteration's folder. */
  public static String folderName(long iteration) {
    return "iter_%07d".formatted(iteration);
  }
}
