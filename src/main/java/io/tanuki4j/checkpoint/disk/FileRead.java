package io.tanuki4j.checkpoint.disk;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;

/** Reads files as fast as the processor copies from the page cache. */
public final class FileRead {
  /** The most bytes to read before using them: they are still in the core's cache then. */
  public static final int BLOCK_BYTES = 256 << 10;

  private static final int PAGE_BYTES = 4096;

  /**
   * Some processors (seen on AMD's Zen 3) copy at a fifth of their speed to a destination that lies
   * fewer bytes than this behind the source, counted within pages.
   */
  private static final int SLOW_OFFSETS = 32;

  private static final ThreadLocal<ByteBuffer> PAGES =
      ThreadLocal.withInitial(() -> newBuffer(BLOCK_BYTES + PAGE_BYTES));

  private FileRead() {}

  /**
   * Returns little-endian memory outside the heap that begins at a page: it is fast to read into.
   */
  public static ByteBuffer newBuffer(int bytes) {
    return ByteBuffer.allocateDirect(bytes + 2 * PAGE_BYTES)
        .alignedSlice(PAGE_BYTES)
        .slice(0, bytes)
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Fills the rest of a buffer. Several threads may read a file at a time.
   *
   * @param position in the file, of the first byte
   * @throws EOFException if the file ends before
   */
  public static void fully(FileChannel channel, long position, ByteBuffer into) throws IOException {
    if (into.isDirect() && !isSlow(position, into)) {
      directly(channel, position, into);
      return;
    }
    long next = position;
    while (into.hasRemaining()) {
      ByteBuffer pages = PAGES.get();
      int start = (int) (next % PAGE_BYTES);
      int count = Math.min(into.remaining(), BLOCK_BYTES);
      pages.limit(start + count).position(start);
      directly(channel, next, pages);
      into.put(pages.position(start));
      next += count;
    }
  }

  private static boolean isSlow(long position, ByteBuffer into) {
    long behind = into.alignmentOffset(into.position(), PAGE_BYTES) - position;
    int withinPage = Math.floorMod(behind, PAGE_BYTES);
    return into.remaining() > PAGE_BYTES && withinPage > 0 && withinPage < SLOW_OFFSETS;
  }

  private static void directly(FileChannel channel, long position, ByteBuffer into)
      throws IOException {
    long next = position;
    while (into.hasRemaining()) {
      int count = channel.read(into, next);
      if (count < 0) {
        throw new EOFException("the file ends at byte " + next);
      }
      next += count;
    }
  }
}
