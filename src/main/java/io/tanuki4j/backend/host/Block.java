package io.tanuki4j.backend.host;

import io.tanuki4j.error.UserException;
import io.tanuki4j.tensor.DeviceBuffer;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import org.bytedeco.javacpp.Pointer;

/**
 * Off-heap memory, freed once it is closed and no {@link BlockView} sees it, never by the garbage
 * collector. It comes from malloc, so pages that are never written cost nothing.
 *
 * <p>A {@link ByteBuffer} reaches 2 GiB at most, so a block of any size is seen through overlapping
 * windows. Window i begins at byte {@code i · WINDOW_STEP} and is twice as long. A run of up to
 * WINDOW_STEP bytes lies in the window of its first byte.
 */
public final class Block implements DeviceBuffer, AutoCloseable {
  /** A power of two; the longest run of bytes that one window is sure to hold. */
  public static final int WINDOW_STEP = 1 << 30;

  private static final long ALIGNMENT = 64;

  private final long bytes;
  private final Pointer memory;
  private final long address;
  private final Window[] windows;
  private boolean closed;
  private int pins;

  /**
   * @param owner named if there is not enough memory
   */
  Block(long bytes, String owner) {
    this.bytes = bytes;
    memory = Pointer.malloc(bytes + ALIGNMENT);
    if (Pointer.isNull(memory)) {
      throw new UserException(
          "scope %s: cannot take %d bytes more, the machine does not give them. Use a smaller model or micro-batch."
              .formatted(owner, bytes));
    }
    address = (memory.address() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    windows = new Window[Math.toIntExact(bytes / WINDOW_STEP + 1)];
    for (int i = 0; i < windows.length; i++) {
      long start = (long) i * WINDOW_STEP;
      long length = Math.min(bytes - start, 2L * WINDOW_STEP - 1);
      windows[i] = Window.of(new Span(address + start).asBuffer(length));
    }
  }

  /** Returns the memory of a tensor, which must be of this backend. */
  public static Block of(Tensor tensor) {
    if (!(tensor.buffer() instanceof Block block)) {
      throw new IllegalArgumentException(
          "%s is not in memory of the host. Allocate it from a scope of this device."
              .formatted(tensor));
    }
    block.requireOpen(tensor);
    return block;
  }

  private void requireOpen(Tensor tensor) {
    if (closed) {
      throw new IllegalStateException("%s: its scope has been closed".formatted(tensor));
    }
  }

  /** Returns the memory of a tensor, and keeps it until {@link #unpin}. */
  static Block pin(Tensor tensor) {
    Block block = of(tensor);
    synchronized (block) {
      block.requireOpen(tensor);
      block.pins++;
    }
    return block;
  }

  synchronized void unpin() {
    pins--;
    freeIfUnused();
  }

  private void freeIfUnused() {
    if (closed && pins == 0) {
      Pointer.free(memory);
    }
  }

  /** Returns the address of the tensor's first element. */
  public static long address(Tensor tensor) {
    return of(tensor).address + tensor.byteOffset();
  }

  @Override
  public long bytes() {
    return bytes;
  }

  /** Returns the window that holds a run of bytes from this one on. */
  public Window window(long firstByte) {
    return windows[(int) (firstByte / WINDOW_STEP)];
  }

  /** Returns the index of a byte in its window. */
  public static int indexInWindow(long firstByte) {
    return (int) (firstByte & (WINDOW_STEP - 1));
  }

  /** Returns the byte in its block where an element of a tensor begins. */
  public static long firstByte(Tensor tensor, long element) {
    return tensor.byteOffset() + element * tensor.dtype().bytes();
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      freeIfUnused();
    }
  }

  /** The same bytes as elements of every type. */
  public record Window(
      ByteBuffer bytes, DoubleBuffer doubles, FloatBuffer floats, ShortBuffer shorts) {
    private static Window of(ByteBuffer bytes) {
      return new Window(
          bytes, bytes.asDoubleBuffer(), bytes.asFloatBuffer(), bytes.asShortBuffer());
    }
  }

  /** A pointer to an address that others own. */
  private static final class Span extends Pointer {
    Span(long address) {
      super((Pointer) null);
      this.address = address;
    }

    ByteBuffer asBuffer(long length) {
      capacity(length).limit(length);
      return asByteBuffer();
    }
  }
}
