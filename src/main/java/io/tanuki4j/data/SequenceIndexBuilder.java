package io.tanuki4j.data;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/** Collects the lengths of sequences and documents, 4 bytes each, and writes the .idx file. */
final class SequenceIndexBuilder {
  private int[] lengths = new int[1024];
  private int numSequences;
  private int[] documentSizes = new int[1024];
  private int numDocuments;

  void addSequence(int length) {
    lengths = withRoomAt(lengths, numSequences);
    lengths[numSequences++] = length;
  }

  /** Ends a document that consists of the {@code size} sequences added last. */
  void endDocument(int size) {
    documentSizes = withRoomAt(documentSizes, numDocuments);
    documentSizes[numDocuments++] = size;
  }

  int numDocuments() {
    return numDocuments;
  }

  void writeTo(OutputStream out, TokenType type) throws IOException {
    ByteBuffer header = littleEndian(SequenceIndex.HEADER_SIZE);
    header.put(SequenceIndex.magic()).putLong(SequenceIndex.VERSION).put((byte) type.code());
    header.putLong(numSequences).putLong(numDocuments + 1L);
    out.write(header.array());
    ByteBuffer word = littleEndian(Integer.BYTES);
    for (int i = 0; i < numSequences; i++) {
      out.write(word.putInt(0, lengths[i]).array());
    }
    writeStarts(out, lengths, numSequences, type.numBytes());
    long end = writeStarts(out, documentSizes, numDocuments, 1);
    out.write(littleEndian(Long.BYTES).putLong(0, end).array());
  }

  /** Writes where each part begins if they lie back to back. Returns where the last one ends. */
  private static long writeStarts(OutputStream out, int[] sizes, int count, int unit)
      throws IOException {
    ByteBuffer word = littleEndian(Long.BYTES);
    long start = 0;
    for (int i = 0; i < count; i++) {
      out.write(word.putLong(0, start).array());
      start += (long) sizes[i] * unit;
    }
    return start;
  }

  private static ByteBuffer littleEndian(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static int[] withRoomAt(int[] array, int index) {
    return index < array.length ? array : Arrays.copyOf(array, index + (index >> 1));
  }
}
