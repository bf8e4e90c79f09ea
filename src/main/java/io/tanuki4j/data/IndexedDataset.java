package io.tanuki4j.data;

import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A corpus of token ids on disk: {@code prefix.idx} and {@code prefix.bin} in Megatron-LM's format,
 * of any size. Sequences have consecutive numbers; usually a document is one sequence. Thread-safe.
 */
public final class IndexedDataset implements Corpus {
  private final Path prefix;
  private final SequenceIndex index;
  private final FileBytes bytes;
  private final OpenFiles files;

  private IndexedDataset(Path prefix, SequenceIndex index, FileBytes bytes, OpenFiles files) {
    this.prefix = prefix;
    this.index = index;
    this.bytes = bytes;
    this.files = files;
  }

  /**
   * Opens and checks both files.
   *
   * @param memoryMapped whether .bin is mapped or read by position ({@code --no-mmap-bin-files})
   * @throws UserException if one is missing, damaged or foreign; the message names it
   */
  public static IndexedDataset open(Path prefix, boolean memoryMapped) {
    Path idx = file(prefix, ".idx");
    Path bin = file(prefix, ".bin");
    SequenceIndex index = SequenceIndex.read(idx);
    if (!Files.isRegularFile(bin)) {
      throw new UserException(
          "%s: there is no such file next to %s. Copy it there, or preprocess the data again."
              .formatted(bin, idx.getFileName()));
    }
    try {
      new SequenceIndexCheck(index, idx).requireTokens(bin, Files.size(bin));
      FileBytes bytes = memoryMapped ? MappedBytes.ofFile(bin) : new PositionalBytes(bin);
      return new IndexedDataset(prefix, index, bytes, OpenFiles.of(idx, bin));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + bin, e);
    }
  }

  /** Returns how the tokens are stored. */
  public TokenType type() {
    return index.type();
  }

  @Override
  public int numSequences() {
    return index.numSequences();
  }

  /** Returns the number of documents. */
  public int numDocuments() {
    return index.numDocuments();
  }

  /**
   * Returns the first sequence of a document; for {@code numDocuments()}, the number of sequences.
   */
  public int documentStart(int document) {
    return (int) index.boundaries().getLong(document);
  }

  @Override
  public int length(int sequence) {
    return index.length(sequence);
  }

  /** Returns the number of tokens in all sequences. */
  public long numTokens() {
    return numTokens(0, numSequences());
  }

  /** The sequences lie back to back, so the places of two of them say it. */
  @Override
  public long numTokens(int from, int to) {
    return from == to ? 0 : (index.end(to - 1) - index.offset(from)) / type().numBytes();
  }

  @Override
  public void lengths(int[] numbers, int from, int count, int[] into) {
    index.lengths().gatherInts(numbers, from, count, into);
  }

  /** Returns all tokens of a sequence. */
  public int[] sequence(int sequence) {
    int[] tokens = new int[length(sequence)];
    read(sequence, 0, tokens.length, tokens, 0);
    return tokens;
  }

  @Override
  public void read(int sequence, int from, int count, int[] into, int at) {
    int width = type().numBytes();
    ByteBuffer buffer =
        ByteBuffer.allocate(Math.multiplyExact(count, width)).order(ByteOrder.LITTLE_ENDIAN);
    bytes.read(index.offset(sequence) + (long) from * width, buffer.array());
    for (int i = 0; i < count; i++) {
      long token = type().get(buffer, i * width);
      if (token != (int) token) {
        throw new UserException(
            "%s: token %d of sequence %d is %d (expected: a 32-bit id). The file is damaged."
                .formatted(file(prefix, ".bin"), from + i, sequence, token));
      }
      into[at + i] = (int) token;
    }
  }

  /** Checks the file sizes: reads from a truncated file may have returned anything. */
  @Override
  public void requireWhole() {
    files.requireWhole();
  }

  @Override
  public UserException unreadable(InternalError cause) {
    return files.unreadable(cause);
  }

  @Override
  public void close() {
    bytes.close();
    files.close();
  }

  /** Returns the path with a suffix appended to its last name. */
  static Path file(Path path, String suffix) {
    return path.resolveSibling(path.getFileName() + suffix);
  }
}
