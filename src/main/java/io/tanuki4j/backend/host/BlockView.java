package io.tanuki4j.backend.host;

import io.tanuki4j.kernel.HostTensor.View;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A tensor's bytes in its block. */
public final class BlockView implements View {
  private final Block block;
  private final long start;
  private boolean closed;

  public BlockView(Tensor tensor) {
    block = Block.pin(tensor);
    start = tensor.byteOffset();
  }

  @Override
  public ByteBuffer bytes(long from, int count) {
    long at = start + from;
    return block
        .window(at)
        .bytes()
        .slice(Block.indexInWindow(at), count)
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      block.unpin();
    }
  }
}
