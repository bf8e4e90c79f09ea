package io.tanuki4j.checkpoint.disk;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;

/**
 * A file that appears under its name only when it is whole and on the disk: it is written beside
 * it, synchronised and renamed. Closing one that was not published removes what was written.
 */
public final class NewFile implements Closeable {
  private static final String SUFFIX = ".writing";

  private final Path file;
  private final Path beside;
  private final FileChannel channel;
  private final CRC32C crc = new CRC32C();
  private long size;
  private boolean published;

  private NewFile(Path file, Path beside, FileChannel channel) {
    this.file = file;
    this.beside = beside;
    this.channel = channel;
  }

  /** Begins a file, replacing what a killed writer left beside it. */
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
    size += bytes.remaining();
    crc.update(bytes.duplicate());
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  /** Makes the file visible under its name, in place of an older one. */
  public Written publish() throws IOException {
    channel.force(true);
    channel.close();
    Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    published = true;
    Folders.sync(Folders.parentOf(file));
    return new Written(size, crc.getValue());
  }

  @Override
  public void close() throws IOException {
    channel.close();
    if (!published) {
      Files.deleteIfExists(beside);
    }
  }

  /**
   * What is in a published file.
   *
   * @param size in bytes
   * @param crc32c checksum (Castagnoli) of all bytes
   */
  public record Written(long size, long crc32c) {}
}
