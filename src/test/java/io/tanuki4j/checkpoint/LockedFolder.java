package io.tanuki4j.checkpoint;

import java.io.IOException;
import java.nio.file.Path;

/** A program that takes the lock of a folder, says so, and keeps it until it is killed. */
final class LockedFolder {
  private LockedFolder() {}

  public static void main(String[] arguments) throws IOException {
    CheckpointStore store = new CheckpointStore(Path.of(arguments[0]));
    store.lock(line -> {});
    System.out.println("locked");
    while (System.in.read() >= 0) {
      // until the input ends
    }
    store.close();
  }
}
