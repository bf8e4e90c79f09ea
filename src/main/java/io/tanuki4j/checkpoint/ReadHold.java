package io.tanuki4j.checkpoint;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

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

  /** Holds a checkpoint; does nothing if it has gone, which loading will tell. */
  static ReadHold of(Path checkpoint) {
    return ofPresent(checkpoint).orElseGet(() -> none(manifestOf(checkpoint)));
  }

  /** Holds a checkpoint; empty if it has gone or is being removed. */
  static Optional<ReadHold> ofPresent(Path checkpoint) {
    Path manifest = manifestOf(checkpoint);
    ReadHold hold;
    try {
      hold = take(manifest);
    } catch (OverlappingFileLockException e) { // it is being removed
      return Optional.empty();
    } catch (IOException e) { // there is nothing to lock, or no lock
      hold = none(manifest);
    }
    if (Files.exists(manifest)) {
      return Optional.of(hold);
    }
    hold.close();
    return Optional.empty();
  }

  private static Path manifestOf(Path checkpoint) {
    return checkpoint.resolve(Manifest.NAME).toAbsolutePath().normalize();
  }

  private static ReadHold none(Path manifest) {
    ReadHold hold = new ReadHold(manifest);
    hold.closed = true;
    return hold;
  }

  private static ReadHold take(Path manifest) throws IOException {
    synchronized (HELD) {
      Shared shared = HELD.get(manifest);
      if (shared == null) {
        shared = new Shared(locked(manifest));
        HELD.put(manifest, shared);
      }
      shared.holds++;
    }
    return new ReadHold(manifest);
  }

  private static FileChannel locked(Path manifest) throws IOException {
    FileChannel channel = FileChannel.open(manifest, StandardOpenOption.READ);
    try {
      if (channel.tryLock(0, Long.MAX_VALUE, true) == null) {
        throw new OverlappingFileLockException(); // another process is removing it
      }
      return channel;
    } catch (OverlappingFileLockException | IOException e) {
      channel.close();
      throw e;
    }
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
