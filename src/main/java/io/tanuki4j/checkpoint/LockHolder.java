package io.tanuki4j.checkpoint;

import com.google.gson.Gson;
import com.google.gson.JsonParseException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The process that saves into a folder, according to the lock file.
 *
 * @param id of this holding of the lock, unlike any other
 * @param boot of the machine's kernel: processes of one boot see each other's locks
 * @param process its number on the host
 * @param start of the process, in UTC
 * @param beat increases as long as the process lives
 */
record LockHolder(String id, String host, String boot, long process, String start, long beat) {
  private static final Gson GSON = new Gson();
  private static final Path HOST = Path.of("/proc/sys/kernel/hostname");
  private static final Path BOOT = Path.of("/proc/sys/kernel/random/boot_id");

  /** Room for all of the text, so that a later beat replaces an earlier one. */
  private static final int TEXT_BYTES = 1024;

  /** Returns this process as a new holder. */
  static LockHolder ofThisProcess() {
    ProcessHandle own = ProcessHandle.current();
    Instant start = own.info().startInstant().orElseGet(Instant::now);
    return new LockHolder(
        UUID.randomUUID().toString(),
        line(HOST, "an unknown host"),
        line(BOOT, ""),
        own.pid(),
        start.truncatedTo(ChronoUnit.SECONDS).toString(),
        0);
  }

  private static String line(Path file, String otherwise) {
    try {
      return Files.readString(file).strip();
    } catch (IOException e) {
      return otherwise;
    }
  }

  /** Returns the holder named in the file; null if the file is missing, empty or malformed. */
  static @Nullable LockHolder read(Path file) throws IOException {
    if (!Files.isRegularFile(file) || Files.size(file) > TEXT_BYTES) {
      return null;
    }
    return parse(Files.readAllBytes(file));
  }

  static @Nullable LockHolder parse(byte[] text) {
    try {
      LockHolder holder = GSON.fromJson(new String(text, StandardCharsets.UTF_8), LockHolder.class);
      return holder == null || holder.isPartial() ? null : holder;
    } catch (JsonParseException e) {
      return null;
    }
  }

  @SuppressWarnings("ConstantValue") // what JSON lacks is null
  private boolean isPartial() {
    return id == null || host == null || boot == null || start == null;
  }

  /** Returns the same holder, still alive. */
  LockHolder next() {
    return new LockHolder(id, host, boot, process, start, beat + 1);
  }

  /** Returns the text of the file, padded with spaces. */
  byte[] toBytes() {
    byte[] text = GSON.toJson(this).getBytes(StandardCharsets.UTF_8);
    byte[] padded = new byte[TEXT_BYTES];
    Arrays.fill(padded, (byte) ' ');
    System.arraycopy(text, 0, padded, 0, Math.min(text.length, padded.length));
    padded[TEXT_BYTES - 1] = '\n';
    return padded;
  }

  /** Returns whether the operating system of this process knows whether the holder lives. */
  boolean isOnThisMachine() {
    return !boot.isEmpty() && boot.equals(line(BOOT, ""));
  }

  /**
   * Describes the holder, for example {@code process 4711 on node7, started 2026-11-29T18:46:47Z}.
   */
  @Override
  public String toString() {
    return "process %d on %s, started %s".formatted(process, host, start);
  }
}
