package io.tanuki4j.backend.host;

import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;

/** Copies bytes between tensors and the host's buffers. */
public final class HostCopy {
  private HostCopy() {}

  /** Copies the remaining bytes of source, as many as the tensor has. */
  static void toDevice(Tensor destination, ByteBuffer source) {
    Block block = Block.of(destination);
    ByteBuffer from = source.duplicate();
    long at = destination.byteOffset();
    while (from.hasRemaining()) {
      int count = Math.min(from.remaining(), Block.WINDOW_STEP);
      block.window(at).bytes().put(Block.indexInWindow(at), from, from.position(), count);
      from.position(from.position() + count);
      at += count;
    }
    source.position(source.limit());
  }

  /** Fills the remaining bytes of destination, as many as the tensor has. */
  static void toHost(ByteBuffer destination, Tensor source) {
    Block block = Block.of(source);
    long at = source.byteOffset();
    while (destination.hasRemaining()) {
      int count = Math.min(destination.remaining(), Block.WINDOW_STEP);
      destination.put(
          destination.position(), block.window(at).bytes(), Block.indexInWindow(at), count);
      destination.position(destination.position() + count);
      at += count;
    }
  }

  /** Copies the bytes of a tensor into another of the same size. */
  public static void between(Tensor out, Tensor in) {
    try (BlockView from = new BlockView(in);
        BlockView to = new BlockView(out)) {
      for (long at = 0; at < in.numBytes(); at += Block.WINDOW_STEP) {
        int count = (int) Math.min(in.numBytes() - at, Block.WINDOW_STEP);
        to.bytes(at, count).put(from.bytes(at, count));
      }
    }
  }
}
