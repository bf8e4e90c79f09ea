package io.tanuki4j.checkpoint.disk;

import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import java.util.zip.CRC32C;

/**
 * A file that appears under its name only when it is complete and on the disk. It is written under
 * a temporary name next to it, synchronised and renamed. Closing an unpublished file removes what
 * was written.
 */
public final class NewFile implements Closeable {
  private static final String SUFFIX = ".writing";
  private static final long FLUSHED_BYTES = 256L << 20;

  private final Path file;
  private final Path temporary;
  private final FileChannel channel;
  private final Checksum crc = new Checksum();
  private final AtomicLong size = new AtomicLong();
  private boolean published;

  private NewFile(Path file, Path temporary, FileChannel channel) {
    this.file = file;
    this.temporary = temporary;
    this.channel = channel;
  }

  /** Begins a file. Replaces what a killed writer left next to it. */
  public static NewFile create(Path file) throws IOException {
    Path temporary = file.resolveSibling(file.getFileName() + SUFFIX);
    FileChannel channel =
        FileChannel.open(
            temporary,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE);
    return new NewFile(file, temporary, channel);
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
    crc.add(position, bytes.remaining(), Checksum.of(bytes));
    long next = position;
    while (bytes.hasRemaining()) {
      next += channel.write(bytes, next);
    }
  }

  /** Makes the file visible under its name, in place of an older one. */
  public Written publish() throws IOException {
    channel.force(true);
    channel.close();
    Files.move(
        temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    published = true;
    Folders.sync(Folders.parentOf(file));
    return new Written(size.get(), crc.total(size.get()));
  }

  @Override
  public void close() throws IOException {
    channel.close();
    if (!published) {
      Files.deleteIfExists(temporary);
    }
  }

  /**
   * The content of a published file.
   *
   * @param size in bytes
   * @param crc32c checksum (Castagnoli) of all bytes
   */
  public record Written(long size, long crc32c) {}

  /**
   * Computes the CRC-32C of a file from those of its parts, which threads make in any order. A CRC
   * is the remainder of a polynomial over GF(2). So the bytes after a part multiply its remainder
   * by a power of x, and the remainders of parts add up.
   */
  public static final class Checksum {
    /** Castagnoli's polynomial; bit 31 is the coefficient of x⁰. */
    private static final int POLYNOMIAL = 0x82F63B78;

    private static final int ONE = 1 << 31;
    private static final int X_TO_8 = ONE >>> 8;

    private final NavigableMap<Long, Part> parts = new TreeMap<>();

    private record Part(long length, int crc) {}

    /** Returns the checksum of a buffer's remaining bytes without moving its position. */
    public static int of(ByteBuffer bytes) {
      CRC32C crc = new CRC32C();
      crc.update(bytes.duplicate());
      return (int) crc.getValue();
    }

    /**
     * Adds a part; one that overlaps an earlier part is passed over.
     *
     * @param position of its first byte in the file
     * @param length in bytes
     */
    public synchronized void add(long position, long length, int crc) {
      Map.Entry<Long, Part> before = parts.lowerEntry(position + length);
      boolean overlaps = before != null && before.getKey() + before.getValue().length() > position;
      if (length > 0 && !overlaps) {
        parts.put(position, new Part(length, crc));
      }
    }

    /**
     * Bytes of a file.
     *
     * @param position of the first
     */
    public record Range(long position, long length) {
      /** Returns the position behind the last. */
      public long end() {
        return position + length;
      }
    }

    /** Returns the bytes that are in no part, in ascending order. */
    public synchronized List<Range> gaps(long size) {
      List<Range> gaps = new ArrayList<>();
      long end = 0;
      for (Map.Entry<Long, Part> part : parts.entrySet()) {
        if (part.getKey() > end) {
          gaps.add(new Range(end, part.getKey() - end));
        }
        end = part.getKey() + part.getValue().length();
      }
      if (end < size) {
        gaps.add(new Range(end, size - end));
      }
      return gaps;
    }

    /**
     * Returns the checksum of the file.
     *
     * @throws IllegalStateException if the parts do not fill it
     */
    public synchronized long total(long size) {
      long end = 0;
      int crc = 0;
      for (Map.Entry<Long, Part> entry : parts.entrySet()) {
        if (entry.getKey() != end) {
          throw new IllegalStateException(
              "a part begins at byte %d (expected: %d)".formatted(entry.getKey(), end));
        }
        Part part = entry.getValue();
        crc = multiply(power(X_TO_8, part.length()), crc) ^ part.crc();
        end += part.length();
      }
      if (end != size) {
        throw new IllegalStateException("parts of %d bytes (expected: %d)".formatted(end, size));
      }
      return Integer.toUnsignedLong(crc);
    }

    private static int power(int base, long exponent) {
      int result = ONE;
      int square = base;
      for (long rest = exponent; rest != 0; rest >>>= 1) {
        if ((rest & 1) == 1) {
          result = multiply(result, square);
        }
        square = multiply(square, square);
      }
      return result;
    }

    /** Returns a product of polynomials, modulo Castagnoli's. */
    private static int multiply(int a, int b) {
      int product = 0;
      int shifted = b;
      for (int coefficient = ONE; coefficient != 0; coefficient >>>= 1) {
        if ((a & coefficient) != 0) {
          product ^= shifted;
        }
        shifted = (shifted & 1) == 0 ? shifted >>> 1 : (shifted >>> 1) ^ POLYNOMIAL;
      }
      return product;
    }
  }

  /** Operations on folders whose effects are on the disk when they return. */
  public static final class Folders {
    private Folders() {}

    /** Returns the folder of a file, even for a path of one name. */
    public static Path parentOf(Path file) {
      return Objects.requireNonNull(file.toAbsolutePath().getParent(), "a file has a folder");
    }

    /**
     * Makes created, renamed and removed names in a folder durable. File systems without POSIX
     * semantics cannot open a folder and don't need to.
     */
    public static void sync(Path folder) throws IOException {
      if (folder.getFileSystem().supportedFileAttributeViews().contains("posix")) {
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
          channel.force(true);
        }
      }
    }

    /** Renames within one folder, in one step; the target must not exist. */
    public static void rename(Path from, Path to) throws IOException {
      sync(from);
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
      sync(parentOf(to));
    }

    /** Returns the names in a folder, sorted; none if there is no such folder. */
    public static List<Path> list(Path folder) throws IOException {
      if (!Files.isDirectory(folder)) {
        return List.of();
      }
      try (Stream<Path> entries = Files.list(folder)) {
        return entries.sorted().toList();
      }
    }

    /** Removes a folder and all that is in it; does nothing if there is none. */
    public static void delete(Path folder) throws IOException {
      if (!Files.exists(folder)) {
        return;
      }
      List<Path> paths;
      try (Stream<Path> walk = Files.walk(folder)) {
        paths = walk.sorted(Comparator.reverseOrder()).toList();
      } catch (UncheckedIOException e) { // a folder in it that cannot be listed
        throw Objects.requireNonNull(e.getCause());
      }
      for (Path path : paths) {
        Files.delete(path);
      }
    }
  }
}
