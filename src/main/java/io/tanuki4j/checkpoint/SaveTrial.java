package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.disk.NewFile;
import io.tanuki4j.checkpoint.disk.NewFile.Folders;
import io.tanuki4j.comm.TextExchange;
import io.tanuki4j.comm.TextExchange.CollectiveTask;
import io.tanuki4j.error.FailureSentence;
import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;

/**
 * Tests whether all ranks can save into a folder, hours before the first save would find out. Each
 * rank writes a small file as saves do, and rank 0 checks that it sees them all. The files are
 * removed; a created folder stays.
 */
final class SaveTrial {
  private final Path folder;
  private final TextExchange ranks;
  private final CollectiveTask work;

  /**
   * Prepares a trial.
   *
   * @param ranks that save together
   */
  SaveTrial(Path folder, TextExchange ranks) {
    this.folder = folder;
    this.ranks = ranks;
    this.work = new CollectiveTask(ranks, e -> IoFailure.reading(folder, e));
  }

  /**
   * Runs the trial.
   *
   * @throws UserException on every rank, if one cannot write or their folders differ
   */
  void run() {
    String own = "trial-rank%05d-%s".formatted(ranks.rank(), UUID.randomUUID());
    try {
      List<String> names = work.gather(String.class, () -> write(own));
      work.run(() -> requireAll(names));
    } finally {
      remove(own);
    }
  }

  private String write(String name) {
    try {
      Files.createDirectories(folder);
      NewFile.write(folder.resolve(name), new byte[1]);
      return name;
    } catch (IOException e) {
      throw refusal(e);
    }
  }

  private void requireAll(List<String> names) throws IOException {
    if (ranks.rank() == 0) {
      Set<Path> seen = new HashSet<>(Folders.list(folder));
      for (int rank = 0; rank < names.size(); rank++) {
        if (!seen.contains(folder.resolve(names.get(rank)))) {
          throw unseen(folder, names.get(rank), rank);
        }
      }
    }
  }

  private void remove(String name) {
    try {
      if (Files.exists(folder.resolve(name))) {
        Files.delete(folder.resolve(name));
      }
    } catch (IOException e) {
      throw refusal(e);
    }
  }

  private UserException refusal(IOException cause) {
    return new UserException(
        ("--save: %s (expected: a folder that can be made and written; trying it failed: %s)."
                + " Choose another one.")
            .formatted(folder, FailureSentence.reason(cause)),
        cause);
  }

  /** Returns the failure that rank 0 does not see another rank's file. */
  static UserException unseen(Path folder, String file, int rank) {
    return new UserException(
        "%s: %s, which rank %d wrote, is not there (expected: one folder that all ranks see)."
                .formatted(folder, file, rank)
            + " Give --save a folder on a disk that all machines share.");
  }
}
