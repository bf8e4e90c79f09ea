package io.tanuki4j.checkpoint.safetensors;

import com.google.gson.stream.JsonWriter;
import io.tanuki4j.checkpoint.disk.NewFile;
import io.tanuki4j.error.UserException;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import java.io.Closeable;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Writes a safetensors file from front to back: the tensors' bytes in the order of {@link
 * #tensors()}, then {@link #publish}. The file appears when it is complete.
 */
public final class SafetensorsWriter implements Closeable {
  /** Without it, transformers rejects a file. */
  public static final Map<String, String> PYTORCH = Map.of("format", "pt");

  static final String METADATA = "__metadata__";

  /**
   * Readers reject longer headers, so that a foreign file does not make them allocate terabytes.
   */
  static final int MAX_HEADER_BYTES = 100_000_000;

  /**
   * Where the data begins, in bytes: at a multiple of this, processors copy it to aligned memory
   * one and a half times as fast as at a multiple of {@value #REFERENCE_ALIGNMENT} (see
   * disk.FileRead).
   */
  public static final int FAST_ALIGNMENT = 64;

  private static final int REFERENCE_ALIGNMENT = 8;

  private final Path file;
  private final NewFile newFile;
  private final List<TensorEntry> tensors;
  private final long dataStart;
  private final AtomicLong dataBytes = new AtomicLong();

  /**
   * A tensor of a file.
   *
   * @param begin first byte, counted from the start of the data after the header
   */
  public record TensorEntry(String name, ElementType type, Shape shape, long begin) {
    /** Makes a tensor to be written; the writer chooses its position. */
    public TensorEntry(String name, ElementType type, Shape shape) {
      this(name, type, shape, 0);
    }

    TensorEntry at(long position) {
      return new TensorEntry(name, type, shape, position);
    }

    /** Returns the byte after the last. */
    public long end() {
      return begin + numBytes();
    }

    public long numBytes() {
      return type.numBytes(shape);
    }
  }

  private SafetensorsWriter(Path file, NewFile newFile, List<TensorEntry> tensors, long dataStart) {
    this.file = file;
    this.newFile = newFile;
    this.tensors = tensors;
    this.dataStart = dataStart;
  }

  /** Begins a file of the reference writer's bytes. */
  public static SafetensorsWriter create(
      Path file, List<TensorEntry> tensors, Map<String, String> metadata) throws IOException {
    return create(file, tensors, metadata, REFERENCE_ALIGNMENT);
  }

  /**
   * Begins a file.
   *
   * @param alignment of the data, in bytes: a multiple of 8
   * @throws IllegalArgumentException if two tensors have one name, or there are too many for a
   *     header
   */
  public static SafetensorsWriter create(
      Path file, List<TensorEntry> tensors, Map<String, String> metadata, int alignment)
      throws IOException {
    if (tensors.stream().map(TensorEntry::name).distinct().count() != tensors.size()) {
      throw new IllegalArgumentException(file + ": two tensors of one name.");
    }
    List<TensorEntry> placed = placed(tensors);
    byte[] json = header(placed, metadata, alignment);
    if (json.length > MAX_HEADER_BYTES) {
      throw new UserException(
          "%s: a header of %d bytes for %d tensors (expected: at most %d). Use several files."
              .formatted(file, json.length, tensors.size(), MAX_HEADER_BYTES));
    }
    NewFile newFile = NewFile.create(file);
    newFile.append(
        ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).flip());
    newFile.append(ByteBuffer.wrap(json));
    return new SafetensorsWriter(file, newFile, placed, Long.BYTES + (long) json.length);
  }

  /** Places tensors as the reference writer does: large types first, then by name. */
  private static List<TensorEntry> placed(List<TensorEntry> tensors) {
    List<TensorEntry> placed = new ArrayList<>(tensors);
    placed.sort(
        Comparator.comparing(TensorEntry::type)
            .reversed()
            .thenComparing(tensor -> utf8(tensor.name()), Arrays::compareUnsigned));
    long position = 0;
    for (int i = 0; i < placed.size(); i++) {
      placed.set(i, placed.get(i).at(position));
      position = placed.get(i).end();
    }
    return List.copyOf(placed);
  }

  /** Returns UTF-8 JSON in the reference writer's form, padded with spaces up to the data. */
  private static byte[] header(
      List<TensorEntry> tensors, Map<String, String> metadata, int alignment) {
    StringWriter text = new StringWriter();
    try (JsonWriter out = new JsonWriter(text)) {
      out.beginObject();
      if (!metadata.isEmpty()) {
        out.name(METADATA).beginObject();
        for (Map.Entry<String, String> entry : metadata.entrySet()) {
          out.name(entry.getKey()).value(entry.getValue());
        }
        out.endObject();
      }
      for (TensorEntry tensor : tensors) {
        write(out, tensor);
      }
      out.endObject();
    } catch (IOException e) {
      throw new IllegalStateException("a StringWriter does not fail", e);
    }
    byte[] json = utf8(text.toString());
    int dataStart = (Long.BYTES + json.length + alignment - 1) / alignment * alignment;
    byte[] padded = Arrays.copyOf(json, dataStart - Long.BYTES);
    Arrays.fill(padded, json.length, padded.length, (byte) ' ');
    return padded;
  }

  private static void write(JsonWriter out, TensorEntry tensor) throws IOException {
    out.name(tensor.name()).beginObject();
    out.name("dtype").value(tensor.type().name());
    out.name("shape").beginArray();
    for (long dim : tensor.shape().toArray()) {
      out.value(dim);
    }
    out.endArray();
    out.name("data_offsets").beginArray().value(tensor.begin()).value(tensor.end()).endArray();
    out.endObject();
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** Returns the tensors in the order in which their bytes must be written. */
  public List<TensorEntry> tensors() {
    return tensors;
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
    return tensors.isEmpty() ? 0 : tensors.get(tensors.size() - 1).end();
  }

  /** Makes the file visible. */
  public NewFile.Written publish() throws IOException {
    if (dataBytes.get() != dataBytes()) {
      throw new IllegalStateException(
          "%s: %d bytes of data were written (expected: %d)"
              .formatted(file, dataBytes.get(), dataBytes()));
    }
    return newFile.publish();
  }

  @Override
  public void close() throws IOException {
    newFile.close();
  }

  /**
   * Every element type of the format, by its name in files, in the order of rising alignment that
   * the reference writer sorts tensors by.
   */
  public enum ElementType {
    BOOL(8),
    F4(4),
    F6_E2M3(6),
    F6_E3M2(6),
    U8(8),
    I8(8),
    F8_E5M2(8),
    F8_E4M3(8),
    F8_E8M0(8),
    F8_E4M3FNUZ(8),
    F8_E5M2FNUZ(8),
    I16(16),
    U16(16),
    F16(16),
    BF16(16),
    I32(32),
    U32(32),
    F32(32),
    C64(64),
    F64(64),
    I64(64),
    U64(64);

    private final int bits;

    ElementType(int bits) {
      this.bits = bits;
    }

    public static ElementType of(DType dtype) {
      return valueOf(dtype.name());
    }

    /** Returns the type by its name in a file; null if there is none. */
    static @Nullable ElementType named(String name) {
      for (ElementType type : values()) {
        if (type.name().equals(name)) {
          return type;
        }
      }
      return null;
    }

    /**
     * Returns the size of a tensor in bytes.
     *
     * @throws ArithmeticException if that is no whole number or more than a long holds
     */
    public long numBytes(Shape shape) {
      long numBits = Math.multiplyExact(shape.numElements(), (long) bits);
      if (numBits % Byte.SIZE != 0) {
        throw new ArithmeticException(numBits + " bits are no whole number of bytes");
      }
      return numBits / Byte.SIZE;
    }

    /** Returns the size of an element of a type of whole bytes. */
    public int elementBytes() {
      return Math.toIntExact(numBytes(Shape.of(1)));
    }
  }
}
