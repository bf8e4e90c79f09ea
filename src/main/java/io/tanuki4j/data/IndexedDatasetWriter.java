package io.tanuki4j.data;

import io.tanuki4j.error.FailureSentence;
import io.tanuki4j.error.UserException;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;

/**
 * Writes a corpus of token ids as a pair of .bin and .idx files, byte for byte in the format of
 * Megatron-LM. Both are written under temporary names and published by {@link #finish()}. Closing
 * without it leaves nothing behind. Not thread-safe.
 */
public final class IndexedDatasetWriter implements AutoCloseable {
  private static final int BUFFER_SIZE = 1 << 18;

  private final Path bin;
  private final Path idx;
  private final TokenType type;
  private final SequenceIndexBuilder index = new SequenceIndexBuilder();
  private final FileChannel channel;
  private final ByteBuffer buffer =
      ByteBuffer.allocateDirect(BUFFER_SIZE).order(ByteOrder.LITTLE_ENDIAN);

  /**
   * Creates the files {@code prefix.bin} and {@code prefix.idx}.
   *
   * @throws UserException if they cannot be created
   */
  public IndexedDatasetWriter(Path prefix, TokenType type) {
    this.bin = IndexedDataset.file(prefix, ".bin");
    this.idx = IndexedDataset.file(prefix, ".idx");
    this.type = type;
    try {
      channel = create(temporary(bin));
    } catch (IOException e) {
      throw new UserException(
          "%s: cannot be created (%s). Name a folder that exists and is writable."
              .formatted(temporary(bin), FailureSentence.withoutFile(e)),
          e);
    }
  }

  /**
   * Adds a document; without sequences it only marks a boundary.
   *
   * @param sequences token ids, one array per sentence or one for the whole document
   * @throws IllegalArgumentException if an id does not fit the token type
   */
  public void addDocument(List<int[]> sequences) {
    for (int[] sequence : sequences) {
      addSequence(sequence, 0, sequence.length);
    }
    index.endDocument(sequences.size());
  }

  /**
   * Adds a document of one sequence, {@code tokens[from .. to)}.
   *
   * @throws IllegalArgumentException if an id does not fit the token type
   */
  public void addDocument(int[] tokens, int from, int to) {
    addSequence(tokens, from, to);
    index.endDocument(1);
  }

  /** Makes both files visible, the .idx last, in place of older ones. */
  public void finish() {
    try {
      flush();
      channel.force(true);
      channel.close();
      writeIndex();
      // An old index must never be seen with new tokens.
      Files.deleteIfExists(idx);
      Files.move(temporary(bin), bin, StandardCopyOption.ATOMIC_MOVE);
      Files.move(temporary(idx), idx, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + idx, e);
    }
  }

  /** Deletes what {@link #finish()} has not published. */
  @Override
  public void close() {
    try {
      channel.close();
      Files.deleteIfExists(temporary(bin));
      Files.deleteIfExists(temporary(idx));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot delete " + temporary(bin), e);
    }
  }

  private void addSequence(int[] tokens, int from, int to) {
    for (int i = from; i < to; i++) {
      requireFit(tokens[i]);
      if (buffer.remaining() < type.numBytes()) {
        flush();
      }
      type.put(buffer, tokens[i]);
    }
    index.addSequence(to - from);
  }

  private void requireFit(int token) {
    if (!type.holds(token)) {
      throw new IllegalArgumentException(
          "document %d: token %d does not fit into %s. Choose the type for the whole vocabulary."
              .formatted(index.numDocuments(), token, type.describe()));
    }
  }

  private void flush() {
    buffer.flip();
    try {
      while (buffer.hasRemaining()) {
        channel.write(buffer);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + temporary(bin), e);
    }
    buffer.clear();
  }

  private void writeIndex() throws IOException {
    try (FileChannel file = create(temporary(idx));
        OutputStream out = new BufferedOutputStream(Channels.newOutputStream(file), BUFFER_SIZE)) {
      index.writeTo(out, type);
      out.flush();
      file.force(true);
    }
  }

  private static Path temporary(Path file) {
    return IndexedDataset.file(file, ".tmp");
  }

  private static FileChannel create(Path file) throws IOException {
    return FileChannel.open(
        file,
        StandardOpenOption.CREATE,
        StandardOpenOption.WRITE,
        StandardOpenOption.TRUNCATE_EXISTING);
  }
}
