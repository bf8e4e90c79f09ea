package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.CheckpointFolders.Retention;
import io.tanuki4j.comm.TextExchange;
import java.io.IOException;
import java.nio.file.Path;

/** A program that takes the lock of a folder, says so, and keeps it until it is killed. */
final class LockedFolder {
  private LockedFolder() {}

  public static void main(String[] arguments) throws IOException {
    SaveFolder folder = new SaveFolder(Path.of(arguments[0]), TextExchange.ALONE, Retention.ALL);
    folder.lock(line -> {});
    System.out.println("locked");
    while (System.in.read() >= 0) {
      // until the input ends
    }
    folder.close();
  }
}
