package io.tanuki4j.checkpoint;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;

/**
 * Keeps a checkpoint from being removed by the run that saves it while another process loads it: a
 * shared lock on its manifest. Does nothing on file systems without locks.
 *
 * <p>The threads of a process share one lock. POSIX ends a process's locks on a file when it closes
 * the file for the first time, however often it has opened it.
 */
public final class ReadHold implements AutoCloseable {
  private static final Map<Path, Shared> HELD = new HashMap<>();

  private final Path manifest;
  private boolean closed;

  private ReadHold(Path manifest) {
    this.manifest = manifest;
  }

  /** The lock of all holds of a checkpoint. */
  private static final class Shared {
    private final FileChannel channel;
    private int holds;

    Shared(FileChannel channel) {
      this.channel = channel;
    }
  }

  static ReadHold of(Path checkpoint) {
    Path manifest = checkpoint.resolve(Manifest.NAME).toAbsolutePath().normalize();
    synchronized (HELD) {
      try {
        Shared shared = HELD.get(manifest);
        if (shared == null) {
          shared = new Shared(locked(manifest));
          HELD.put(manifest, shared);
        }
        shared.holds++;
      } catch (OverlappingFileLockException | IOException e) {
        return new ReadHold(manifest).released(); // loading will tell
      }
    }
    return new ReadHold(manifest);
  }

  private static FileChannel locked(Path manifest) throws IOException {
    FileChannel channel = FileChannel.open(manifest, StandardOpenOption.READ);
    try {
      channel.tryLock(0, Long.MAX_VALUE, true);
      return channel;
    } catch (OverlappingFileLockException | IOException e) {
      channel.close();
      throw e;
    }
  }

  private ReadHold released() {
    closed = true;
    return this;
  }

  @Override
  public void close() {
    synchronized (HELD) {
      Shared shared = HELD.get(manifest);
      if (closed || shared == null) {
        return;
      }
      closed = true;
      if (--shared.holds == 0) {
        HELD.remove(manifest);
        release(shared.channel);
      }
    }
  }

  private static void release(FileChannel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      // the lock ends with the process at the latest
    }
  }
}
