package io.tanuki4j.checkpoint.disk;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A file that appears under its name only when it is complete and on the disk. It is written under
 * a temporary name next to it, synchronised and renamed. Closing an unpublished file removes what
 * was written.
 */
public final class NewFile implements Closeable {
  private static final String SUFFIX = ".writing";
  private static final long FLUSHED_BYTES = 256L << 20;

  private final Path file;
  private final Path beside;
  private final FileChannel channel;
  private final Crc32cParts crc = new Crc32cParts();
  private final AtomicLong size = new AtomicLong();
  private boolean published;

  private NewFile(Path file, Path beside, FileChannel channel) {
    this.file = file;
    this.beside = beside;
    this.channel = channel;
  }

  /** Begins a file. Replaces what a killed writer left next to it. */
  public static NewFile create(Path file) throws IOException {
    Path beside = file.resolveSibling(file.getFileName() + SUFFIX);
    FileChannel channel =
        FileChannel.open(
            beside,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE);
    return new NewFile(file, beside, channel);
  }

  /** Writes a small file in one go. */
  public static Written write(Path file, byte[] content) throws IOException {
    try (NewFile newFile = create(file)) {
      newFile.append(ByteBuffer.wrap(content));
      return newFile.publish();
    }
  }

  /** Appends the remaining bytes of the buffer. */
  public void append(ByteBuffer bytes) throws IOException {
    write(bytes, size.get());
  }

  /**
   * Writes the remaining bytes of the buffer at a position. Several threads may write at a time.
   * Now and then it waits for the disk, so that {@link #publish} has little left to wait for.
   */
  public void write(ByteBuffer bytes, long position) throws IOException {
    int count = bytes.remaining();
    writeAll(bytes, position);
    long written = size.addAndGet(count);
    if (written / FLUSHED_BYTES > (written - count) / FLUSHED_BYTES) {
      channel.force(false);
    }
  }

  private void writeAll(ByteBuffer bytes, long position) throws IOException {
    crc.add(position, bytes.remaining(), Crc32cParts.of(bytes));
    long next = position;
    while (bytes.hasRemaining()) {
      next += channel.write(bytes, next);
    }
  }

  /** Makes the file visible under its name, in place of an older one. */
  public Written publish() throws IOException {
    channel.force(true);
    channel.close();
    Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    published = true;
    Folders.sync(Folders.parentOf(file));
    return new Written(size.get(), crc.total(size.get()));
  }

  @Override
  public void close() throws IOException {
    channel.close();
    if (!published) {
      Files.deleteIfExists(beside);
    }
  }

  /**
   * The content of a published file.
   *
   * @param size in bytes
   * @param crc32c checksum (Castagnoli) of all bytes
   */
  public record Written(long size, long crc32c) {}
}
