package io.tanuki4j.checkpoint.safetensors;

import io.tanuki4j.checkpoint.disk.NewFile;
import io.tanuki4j.error.UserException;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Writes a safetensors file from front to back: the tensors' bytes in the order of {@link
 * #tensors()}, then {@link #publish}. The file appears when it is complete.
 */
public final class SafetensorsWriter implements Closeable {
  /** Without it, transformers rejects a file. */
  public static final Map<String, String> PYTORCH = Map.of("format", "pt");

  private final Path file;
  private final NewFile newFile;
  private final Header header;
  private final long dataStart;
  private final AtomicLong dataBytes = new AtomicLong();

  private SafetensorsWriter(Path file, NewFile newFile, Header header, long dataStart) {
    this.file = file;
    this.newFile = newFile;
    this.header = header;
    this.dataStart = dataStart;
  }

  /**
   * Begins a file.
   *
   * @throws IllegalArgumentException if two tensors have one name, or there are too many for a
   *     header
   */
  public static SafetensorsWriter create(
      Path file, List<NewTensor> tensors, Map<String, String> metadata) throws IOException {
    if (tensors.stream().map(NewTensor::name).distinct().count() != tensors.size()) {
      throw new IllegalArgumentException(file + ": two tensors of one name.");
    }
    Header header = Header.layout(tensors, metadata);
    byte[] json = header.toBytes();
    if (json.length > Header.MAX_BYTES) {
      throw new UserException(
          "%s: a header of %d bytes for %d tensors (expected: at most %d). Use several files."
              .formatted(file, json.length, tensors.size(), Header.MAX_BYTES));
    }
    NewFile newFile = NewFile.create(file);
    newFile.append(
        ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).flip());
    newFile.append(ByteBuffer.wrap(json));
    return new SafetensorsWriter(file, newFile, header, Long.BYTES + (long) json.length);
  }

  /** Returns the tensors in the order in which their bytes must be written. */
  public List<TensorEntry> tensors() {
    return header.tensors();
  }

  /** Appends the remaining bytes of the buffer to the data. */
  public void append(ByteBuffer bytes) throws IOException {
    write(bytes, dataBytes.get());
  }

  /**
   * Writes the remaining bytes of the buffer at a position in the data. Several threads may write
   * at a time.
   */
  public void write(ByteBuffer bytes, long position) throws IOException {
    dataBytes.addAndGet(bytes.remaining());
    newFile.write(bytes, dataStart + position);
  }

  /** Returns the size of all tensors together. */
  public long dataBytes() {
    return header.dataBytes();
  }

  /** Makes the file visible. */
  public NewFile.Written publish() throws IOException {
    if (dataBytes.get() != header.dataBytes()) {
      throw new IllegalStateException(
          "%s: %d bytes of data were written (expected: %d)"
              .formatted(file, dataBytes.get(), header.dataBytes()));
    }
    return newFile.publish();
  }

  @Override
  public void close() throws IOException {
    newFile.close();
  }
}
