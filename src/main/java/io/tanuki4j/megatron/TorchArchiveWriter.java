package io.tanuki4j.megatron;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.tanuki4j.checkpoint.disk.NewFile;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;

/**
 * Writes what torch.save writes: a ZIP archive of stored entries that begin at multiples of 64
 * bytes. Sizes and checksums follow each entry and are repeated in the directory at the end.
 */
final class TorchArchiveWriter implements Closeable {
  private static final int ALIGNMENT = 64;
  private static final int BUFFER_BYTES = 1 << 20;
  private static final int LOCAL_BYTES = 30;
  private static final int VERSION = 45;
  private static final short FLAGS = 0x0808; // sizes follow the entry; names are UTF-8
  private static final int DATE = 0x21; // 1980-01-01
  private static final long SEE_ZIP64 = 0xffffffffL;
  private static final short PADDING_FIELD = 0x4246; // FB, as torch calls it
  private static final int END64_BYTES = 56;

  private final NewFile file;
  private final String root;
  private final Map<String, Matrix> storages = new LinkedHashMap<>();
  private final List<Entry> entries = new ArrayList<>();
  private long position;

  private TorchArchiveWriter(NewFile file, String root) {
    this.file = file;
    this.root = root;
  }

  /** An entry that has been written. */
  private record Entry(byte[] name, long offset, long size, long crc) {}

  /** Content of an entry. */
  private interface Content {
    void write(CRC32 crc) throws IOException;
  }

  /**
   * Begins a file, which appears when it is published.
   *
   * @param root of the entries' names
   */
  static TorchArchiveWriter create(Path file, String root) throws IOException {
    return new TorchArchiveWriter(NewFile.create(file), root);
  }

  /** Adds a tensor, and returns its reference for the pickle. */
  TorchTensor add(Matrix matrix, boolean isVector) {
    TorchType type = TorchType.of(matrix.type());
    if (type == null) {
      throw new IllegalArgumentException("torch has no " + matrix.type());
    }
    String key = String.valueOf(storages.size());
    storages.put(key, matrix);
    long columns = matrix.columns();
    return new TorchTensor(
        type,
        key,
        matrix.rows() * columns,
        0,
        isVector ? List.of(matrix.rows()) : List.of(matrix.rows(), columns),
        isVector ? List.of(1L) : List.of(columns, 1L));
  }

  /** Writes everything and makes the file visible. */
  void publish(byte[] pickle) throws IOException {
    small("data.pkl", pickle);
    small(".format_version", "1".getBytes(US_ASCII));
    small(".storage_alignment", String.valueOf(ALIGNMENT).getBytes(US_ASCII));
    small("byteorder", "little".getBytes(US_ASCII));
    for (Map.Entry<String, Matrix> storage : storages.entrySet()) {
      Matrix matrix = storage.getValue();
      long size = matrix.rows() * matrix.columns() * matrix.elementBytes();
      entry("data/" + storage.getKey(), size, crc -> copy(matrix, crc));
    }
    small("version", "3\n".getBytes(US_ASCII));
    directory();
    file.publish();
  }

  private void small(String name, byte[] content) throws IOException {
    entry(
        name,
        content.length,
        crc -> {
          crc.update(content);
          append(ByteBuffer.wrap(content));
        });
  }

  private void copy(Matrix matrix, CRC32 crc) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    long count = matrix.rows() * matrix.columns();
    long perBuffer = BUFFER_BYTES / matrix.elementBytes();
    for (long first = 0; first < count; first += perBuffer) {
      long some = Math.min(perBuffer, count - first);
      buffer.clear().limit(Math.toIntExact(some * matrix.elementBytes()));
      matrix.read(first, buffer);
      crc.update(buffer.flip().duplicate());
      append(buffer);
    }
  }

  private void entry(String name, long size, Content content) throws IOException {
    byte[] path = (root + "/" + name).getBytes(UTF_8);
    long offset = position;
    int padding = (int) Math.floorMod(-(offset + LOCAL_BYTES + path.length + 4), (long) ALIGNMENT);
    ByteBuffer header = buffer(LOCAL_BYTES + path.length + 4 + padding);
    header.putInt(0x04034b50).putShort((short) VERSION).putShort(FLAGS).putShort((short) 0);
    header.putShort((short) 0).putShort((short) DATE).putInt(0).putInt(0).putInt(0);
    header.putShort((short) path.length).putShort((short) (4 + padding)).put(path);
    header.putShort(PADDING_FIELD).putShort((short) padding);
    append(header.clear());
    CRC32 crc = new CRC32();
    content.write(crc);
    ByteBuffer behind = buffer(isLarge(size) ? 24 : 16).putInt(0x08074b50);
    behind.putInt((int) crc.getValue());
    if (isLarge(size)) {
      behind.putLong(size).putLong(size);
    } else {
      behind.putInt((int) size).putInt((int) size);
    }
    append(behind.flip());
    entries.add(new Entry(path, offset, size, crc.getValue()));
  }

  private static boolean isLarge(long number) {
    return number >= SEE_ZIP64;
  }

  private void directory() throws IOException {
    long begin = position;
    for (Entry entry : entries) {
      append(directoryEntry(entry));
    }
    long size = position - begin;
    long end = position;
    ByteBuffer tail = buffer(END64_BYTES + 20 + 22);
    tail.putInt(0x06064b50).putLong(END64_BYTES - 12).putShort((short) VERSION);
    tail.putShort((short) VERSION).putInt(0).putInt(0).putLong(entries.size());
    tail.putLong(entries.size()).putLong(size).putLong(begin);
    tail.putInt(0x07064b50).putInt(0).putLong(end).putInt(1);
    short count = (short) Math.min(entries.size(), 0xffff);
    tail.putInt(0x06054b50).putShort((short) 0).putShort((short) 0).putShort(count).putShort(count);
    tail.putInt((int) Math.min(size, SEE_ZIP64)).putInt((int) Math.min(begin, SEE_ZIP64));
    append(tail.putShort((short) 0).flip());
  }

  private static ByteBuffer directoryEntry(Entry entry) {
    boolean large = isLarge(entry.size) || isLarge(entry.offset);
    int extra = large ? 28 : 0;
    ByteBuffer header = buffer(46 + entry.name.length + extra);
    header.putInt(0x02014b50).putShort((short) VERSION).putShort((short) VERSION).putShort(FLAGS);
    header.putShort((short) 0).putShort((short) 0).putShort((short) DATE).putInt((int) entry.crc);
    int size = (int) (large ? SEE_ZIP64 : entry.size);
    header.putInt(size).putInt(size).putShort((short) entry.name.length).putShort((short) extra);
    header.putShort((short) 0).putShort((short) 0).putShort((short) 0).putInt(0);
    header.putInt((int) (large ? SEE_ZIP64 : entry.offset)).put(entry.name);
    if (large) {
      header.putShort((short) 1).putShort((short) 24);
      header.putLong(entry.size).putLong(entry.size).putLong(entry.offset);
    }
    return header.flip();
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private void append(ByteBuffer bytes) throws IOException {
    position += bytes.remaining();
    file.append(bytes);
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
