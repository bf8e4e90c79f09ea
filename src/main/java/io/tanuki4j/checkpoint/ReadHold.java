package io.tanuki4j.checkpoint;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a checkpoint from being removed by the run that saves it while another process loads it: a
 * shared lock on its manifest. Does nothing on file systems without locks.
 */
public final class ReadHold implements AutoCloseable {
  private final @Nullable FileChannel manifest;

  private ReadHold(@Nullable FileChannel manifest) {
    this.manifest = manifest;
  }

  static ReadHold of(Path checkpoint) {
    try {
      FileChannel channel =
          FileChannel.open(checkpoint.resolve(Manifest.NAME), StandardOpenOption.READ);
      return locked(channel);
    } catch (IOException e) {
      return new ReadHold(null); // loading will tell
    }
  }

  private static ReadHold locked(FileChannel channel) throws IOException {
    try {
      channel.tryLock(0, Long.MAX_VALUE, true);
      return new ReadHold(channel);
    } catch (OverlappingFileLockException | IOException e) {
      channel.close();
      return new ReadHold(null);
    }
  }

  @Override
  public void close() {
    if (manifest != null) {
      try {
        manifest.close();
      } catch (IOException e) {
        // the lock ends with the process at the latest
      }
    }
  }
}
