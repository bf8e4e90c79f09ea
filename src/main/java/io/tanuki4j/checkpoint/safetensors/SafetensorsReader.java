package io.tanuki4j.checkpoint.safetensors;

import io.tanuki4j.checkpoint.disk.FileRead;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.TensorEntry;
import io.tanuki4j.error.UserException;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A safetensors file of any size, readable at any position. Opening it checks everything that the
 * format guarantees: sizes, order, no holes or overlaps, and that the file ends where the data
 * ends. Thread-safe.
 */
public final class SafetensorsReader implements Closeable {
  private final Path file;
  private final FileChannel channel;
  private final long dataStart;
  private final List<TensorEntry> tensors;
  private final Map<String, String> metadata;
  private final Map<String, TensorEntry> byName = new LinkedHashMap<>();

  private SafetensorsReader(Path file, FileChannel channel) throws IOException {
    this.file = file;
    this.channel = channel;
    int headerBytes = readHeaderSize();
    this.dataStart = Long.BYTES + (long) headerBytes;
    HeaderParser header = readHeader(headerBytes);
    this.tensors = header.tensors();
    this.metadata = header.metadata();
    tensors.forEach(tensor -> byName.put(tensor.name(), tensor));
    checkFileSize();
  }

  /**
   * Opens and checks a file.
   *
   * @throws UserException if the file is missing, damaged, truncated or of another format
   */
  public static SafetensorsReader open(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new UserException(file + ": there is no such file. Check the path.");
    }
    FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
    try {
      return new SafetensorsReader(file, channel);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  public Path file() {
    return file;
  }

  public Map<String, String> metadata() {
    return metadata;
  }

  /** Returns the tensors in the order of their bytes. */
  public List<TensorEntry> tensors() {
    return tensors;
  }

  /**
   * Returns the tensor of a name.
   *
   * @throws UserException if there is no tensor of this name
   */
  public TensorEntry tensor(String name) {
    TensorEntry found = byName.get(name);
    if (found == null) {
      throw new UserException(file + ": there is no tensor " + name + " in it.");
    }
    return found;
  }

  /**
   * Fills the rest of a buffer with bytes of a tensor (little-endian elements, row-major).
   *
   * @param fromByte where to begin, counted from the tensor's first byte
   */
  public void read(TensorEntry tensor, long fromByte, ByteBuffer into) throws IOException {
    requireInside(tensor, fromByte, into.remaining());
    readFully(positionOf(tensor) + fromByte, into);
  }

  /** Checks that bytes are a tensor's. */
  public void requireInside(TensorEntry tensor, long fromByte, int count) {
    if (fromByte < 0 || fromByte + count > tensor.numBytes()) {
      throw new IllegalArgumentException(
          "bytes %d to %d of %s (expected: within its %d)"
              .formatted(fromByte, fromByte + count, tensor.name(), tensor.numBytes()));
    }
  }

  /** Returns where a tensor's bytes begin in the file. */
  public long positionOf(TensorEntry tensor) {
    return dataStart + tensor.begin();
  }

  /** Fills the rest of a buffer with bytes of the file, the header included. */
  public void readFully(long position, ByteBuffer into) throws IOException {
    try {
      FileRead.fully(channel, position, into);
    } catch (EOFException e) {
      throw new EOFException(file + ": it became shorter while it was read");
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }

  private int readHeaderSize() throws IOException {
    if (channel.size() < Long.BYTES) {
      throw damaged("it has " + channel.size() + " bytes (expected: at least 8)");
    }
    ByteBuffer size = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    readFully(0, size);
    long headerBytes = size.flip().getLong();
    if (headerBytes < 2 || headerBytes > SafetensorsWriter.MAX_HEADER_BYTES) {
      throw damaged(
          "its first 8 bytes announce a header of %s bytes (expected: 2 to %d)"
              .formatted(Long.toUnsignedString(headerBytes), SafetensorsWriter.MAX_HEADER_BYTES));
    }
    if (Long.BYTES + headerBytes > channel.size()) {
      throw damaged(
          "its header has %d bytes, but the file ends after %d"
              .formatted(headerBytes, channel.size() - Long.BYTES));
    }
    return (int) headerBytes;
  }

  private HeaderParser readHeader(int headerBytes) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(headerBytes);
    readFully(Long.BYTES, bytes);
    if (bytes.get(0) != '{') {
      throw damaged("its header does not begin with {");
    }
    try {
      String json = StandardCharsets.UTF_8.newDecoder().decode(bytes.flip()).toString();
      return HeaderParser.parse(json);
    } catch (CharacterCodingException e) {
      throw damaged("its header is no UTF-8", e);
    } catch (UserException e) {
      throw damaged(String.valueOf(e.getMessage()), e);
    }
  }

  private void checkFileSize() throws IOException {
    long dataBytes = tensors.isEmpty() ? 0 : tensors.get(tensors.size() - 1).end();
    long expected = dataStart + dataBytes;
    if (channel.size() != expected) {
      throw damaged(
          "it has %d bytes, but its header promises %d".formatted(channel.size(), expected));
    }
  }

  private UserException damaged(String reason) {
    return new UserException(
        file + ": " + reason + ". It is damaged, cut short or no safetensors file.");
  }

  private UserException damaged(String reason, Exception cause) {
    UserException problem = damaged(reason);
    problem.initCause(cause);
    return problem;
  }
}
