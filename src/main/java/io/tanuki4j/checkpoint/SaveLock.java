package io.tanuki4j.checkpoint;

import io.tanuki4j.error.UserException;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * The right to save into a folder, which one run has at a time. It is an operating-system lock on
 * {@code run.lock}, so it ends with the process, however that ends. The file names the holder; if
 * the lock is free, the file is empty.
 *
 * <p>Locks of other machines may be invisible, or may outlive a machine that crashed. So the holder
 * keeps increasing a number in the file. A process that finds another machine's text watches the
 * number: if it increases, the folder is taken; otherwise the holder is gone.
 *
 * <p>The file is never removed: a file removed while another process waits for its lock could be
 * locked twice. A process that reads it must not hold its lock: closing a file gives its locks
 * back.
 */
final class SaveLock implements Closeable {
  static final String NAME = "run.lock";

  private final Path file;
  private final FileChannel channel;
  private final Object key;
  private LockHolder own;
  private final ScheduledExecutorService heart =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "save-lock");
            thread.setDaemon(true);
            return thread;
          });

  /**
   * How holders show that they are alive.
   *
   * @param interval between two signs of life
   * @param numIntervals without one, after which a holder is gone
   */
  record Pulse(Duration interval, int numIntervals) {
    static final Pulse NORMAL = new Pulse(Duration.ofSeconds(10), 3);
  }

  private SaveLock(Path file, FileChannel channel, LockHolder own, Pulse pulse) throws IOException {
    this.file = file;
    this.channel = channel;
    this.own = own;
    write(own.toBytes());
    this.key = key(file);
    long millis = pulse.interval().toMillis();
    heart.scheduleAtFixedRate(this::beat, millis, millis, TimeUnit.MILLISECONDS);
  }

  /**
   * Takes the lock of a folder.
   *
   * @param log receives a line about a wait, and about a lock that was taken over
   * @throws UserException if another run has it
   */
  static SaveLock take(Path folder, Pulse pulse, Consumer<String> log) throws IOException {
    Path file = folder.resolve(NAME);
    LockHolder seen = LockHolder.read(file);
    if (seen != null && !seen.isOnThisMachine()) {
      requireGone(file, seen, pulse, log);
    }
    FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    try {
      if (!lock(channel, log)) {
        throw taken(folder, seen == null ? "another process" : seen.toString());
      }
      return new SaveLock(file, channel, LockHolder.ofThisProcess(), pulse);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  /** Takes the file's lock. Returns false if another process has it. */
  private static boolean lock(FileChannel channel, Consumer<String> log) {
    try {
      FileLock lock = channel.tryLock();
      return lock != null;
    } catch (OverlappingFileLockException e) {
      return false;
    } catch (IOException e) {
      log.accept(
          "WARNING: --save: the file system has no locks (%s), so another run in this folder is seen"
                  .formatted(e.getMessage())
              + " by its signs of life only");
      return true;
    }
  }

  private static void requireGone(Path file, LockHolder seen, Pulse pulse, Consumer<String> log)
      throws IOException {
    long millis = pulse.interval().multipliedBy(pulse.numIntervals()).toMillis();
    log.accept(
        "--save: %s is of %s: waiting up to %d s whether it lives"
            .formatted(file, seen, TimeUnit.MILLISECONDS.toSeconds(millis)));
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    while (System.nanoTime() < end) {
      pause(pulse.interval().toMillis() / 10);
      LockHolder now = LockHolder.read(file);
      if (now == null) {
        return;
      }
      if (!now.equals(seen)) {
        throw taken(Objects.requireNonNull(file.getParent()), now.toString());
      }
    }
    log.accept("--save: it gives no sign of life, so its lock is taken over");
  }

  private static void pause(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for the lock of --save", e);
    }
  }

  private static UserException taken(Path folder, String holder) {
    return new UserException(
        "--save: %s (expected: a folder that no other run saves into; %s does). Wait for its end, or"
                .formatted(folder, holder)
            + " choose another folder.");
  }

  /**
   * Checks, before a save, that no other run has taken the folder in the meantime.
   *
   * @throws UserException if one has
   */
  synchronized void requireOwn() throws IOException {
    if (!Files.exists(file) || !key(file).equals(key)) {
      throw new UserException(
          "--save: %s was removed or replaced while the run had it, so another run may save there."
                  .formatted(file)
              + " Start again with --load once no other run does.");
    }
    ByteBuffer text = ByteBuffer.allocate(own.toBytes().length);
    channel.read(text, 0);
    LockHolder named = LockHolder.parse(text.array());
    if (named == null || !named.id().equals(own.id())) {
      throw taken(
          Objects.requireNonNull(file.getParent()),
          named == null ? "another process" : named.toString());
    }
  }

  /** Returns what distinguishes a file from another one of the same name. */
  private static Object key(Path file) throws IOException {
    Object key = Files.readAttributes(file, BasicFileAttributes.class).fileKey();
    return key == null ? file : key;
  }

  private synchronized void beat() {
    try {
      requireOwn();
      own = own.next();
      write(own.toBytes());
    } catch (IOException | UserException e) {
      heart.shutdown(); // the next save says what is wrong
    }
  }

  private void write(byte[] text) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(text);
    while (bytes.hasRemaining()) {
      channel.write(bytes, bytes.position());
    }
    channel.force(false);
  }

  /** Releases the folder. */
  @Override
  public synchronized void close() throws IOException {
    heart.shutdown();
    try (channel) {
      requireOwn();
      channel.truncate(0);
    } catch (UserException e) {
      // another run's text stays
    }
  }
}
