package io.tanuki4j.data;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Cuts the documents of an order into samples. Row k of the sample index is the place of token
 * {@code k * seqLength}: a position in the order, and a token there. So a part of the order gives
 * its rows alone, once the tokens before it are known. Several are counted, then cut, at the same
 * time.
 */
final class SampleRows {
  /** Documents of a part; their lengths fit into a second-level cache. */
  private static final int PART_SIZE = 1 << 17;

  /** Numbers of rows that are collected before they go to the file. */
  private static final int BLOCK = 1 << 13;

  private static final int ROW_SIZE = 2 * Integer.BYTES;

  private final Corpus corpus;
  private final int[] documents;
  private final int seqLength;
  private final long numSamples;
  private final List<Part> parts = new ArrayList<>();

  /** Consecutive documents of the order. */
  private static final class Part {
    private final int[] lengths;
    private int from;
    private int count;
    private long numTokens;

    Part(int size) {
      lengths = new int[size];
    }
  }

  /**
   * @param documents numbers of sequences, in the order in which they are joined
   * @param numSamples that the documents give
   */
  SampleRows(Corpus corpus, int[] documents, int seqLength, long numSamples) {
    this.corpus = corpus;
    this.documents = documents;
    this.seqLength = seqLength;
    this.numSamples = numSamples;
    int size = Math.min(PART_SIZE, documents.length);
    for (int i = 0; i < 2 * Concurrent.numThreads() && (long) i * size < documents.length; i++) {
      parts.add(new Part(size));
    }
  }

  /** Writes one row more than there are samples; the last one says where the last sample ends. */
  void write(NpyWriter writer) throws IOException {
    long token = 0;
    long from = 0;
    while (from < documents.length) {
      long first = from;
      Concurrent.forEach(parts.size(), i -> measure(parts.get(i), first + (long) i * PART_SIZE));
      long[] starts = new long[parts.size()];
      for (int i = 0; i < starts.length; i++) {
        starts[i] = token;
        token += parts.get(i).numTokens;
      }
      Concurrent.forEach(parts.size(), i -> write(parts.get(i), starts[i], writer));
      from += (long) parts.size() * PART_SIZE;
    }
  }

  private void measure(Part part, long from) {
    part.from = (int) Math.min(from, documents.length);
    part.count = Math.min(part.lengths.length, documents.length - part.from);
    corpus.lengths(documents, part.from, part.count, part.lengths);
    long sum = 0;
    for (int i = 0; i < part.count; i++) {
      sum += part.lengths[i];
    }
    part.numTokens = sum;
  }

  private void write(Part part, long start, NpyWriter writer) throws IOException {
    // The first row is the start of the first document, which may have no tokens.
    long row = part.from == 0 ? 0 : Math.max(1, (start + seqLength - 1) / seqLength);
    if (part.count == 0 || row > numSamples) {
      return;
    }
    try (NpyPiece piece = writer.piece(row * ROW_SIZE)) {
      if (row == 0) {
        piece.putInts(new int[2], 2);
        row++;
      }
      putRows(part, start, row, piece);
    }
  }

  private void putRows(Part part, long start, long firstRow, NpyPiece piece) throws IOException {
    int[] rows = new int[BLOCK];
    int filled = 0;
    long begin = start;
    long next = firstRow * seqLength;
    long last = numSamples * seqLength;
    for (int i = 0; i < part.count; i++) {
      long end = begin + part.lengths[i];
      while (next < end && next <= last) {
        if (filled == BLOCK) {
          piece.putInts(rows, filled);
          filled = 0;
        }
        rows[filled++] = part.from + i;
        rows[filled++] = (int) (next - begin);
        next += seqLength;
      }
      begin = end;
    }
    piece.putInts(rows, filled);
  }
}
