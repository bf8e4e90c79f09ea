package io.tanuki4j.data.preprocess;

import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;

/**
 * The text of a Zstandard file of one or more frames. The library's own stream mistakes a frame
 * that is truncated in its first block for the end of the file.
 */
final class ZstdFrames extends InputStream {
  private static final int BUFFER_SIZE = 1 << 17;

  private final InputStream in;
  private final ZstdDecompressCtx decompressor = new ZstdDecompressCtx();
  private final byte[] chunk = new byte[BUFFER_SIZE];
  private final ByteBuffer packed = ByteBuffer.allocateDirect(BUFFER_SIZE).limit(0);
  private final ByteBuffer text = ByteBuffer.allocateDirect(BUFFER_SIZE).limit(0);
  private boolean frameIsWhole;

  ZstdFrames(InputStream in) {
    this.in = in;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : Byte.toUnsignedInt(one[0]);
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    if (!text.hasRemaining() && !decompress()) {
      return -1;
    }
    int count = Math.min(length, text.remaining());
    text.get(target, offset, count);
    return count;
  }

  @Override
  public void close() throws IOException {
    decompressor.close();
    in.close();
  }

  /** Decompresses more text. Returns false at the end of the file. */
  private boolean decompress() throws IOException {
    boolean mayHoldMore = !frameIsWhole && text.limit() == text.capacity();
    text.clear();
    while (text.position() == 0) {
      if (!packed.hasRemaining() && !mayHoldMore && !fill()) {
        text.flip();
        return false;
      }
      mayHoldMore = false;
      step();
    }
    text.flip();
    return true;
  }

  private void step() throws IOException {
    try {
      frameIsWhole = decompressor.decompressDirectByteBufferStream(text, packed);
    } catch (ZstdException e) {
      throw new IOException("damaged zstd data: " + e.getMessage(), e);
    }
  }

  private boolean fill() throws IOException {
    int count = in.read(chunk);
    if (count < 0 && !frameIsWhole) {
      throw new EOFException("the zstd data end too early");
    }
    packed.clear().put(chunk, 0, Math.max(0, count)).flip();
    return count >= 0;
  }
}
