package io.tanuki4j.data;

import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Arrays;

/** Checks the numbers of an .idx file, parts of it at the same time. */
final class SequenceIndexCheck {
  /** Elements that are checked in one go. */
  private static final int BLOCK = 1 << 14;

  private static final String DAMAGED = "The file is damaged";

  private final SequenceIndex index;
  private final Path file;

  SequenceIndexCheck(SequenceIndex index, Path file) {
    this.index = index;
    this.file = file;
  }

  /** Checks that the documents follow each other and contain all sequences. */
  void requireDocuments() {
    int wrong = firstWrong(index.numDocuments() + 1L, this::wrongBoundary);
    if (wrong <= index.numDocuments()) {
      int min = wrong == 0 ? 0 : (int) index.boundaries().getLong(wrong - 1L);
      int max = wrong == 0 ? 0 : index.numSequences();
      throw damaged(
          "document %d begins at sequence %d (expected: %d to %d)"
              .formatted(wrong, index.boundaries().getLong(wrong), min, max));
    }
    long last = index.boundaries().getLong(index.numDocuments());
    if (last != index.numSequences()) {
      throw damaged(
          "the documents end at sequence %d (expected: %d)".formatted(last, index.numSequences()));
    }
  }

  /** Checks that the sequences lie back to back and fill the .bin file. */
  void requireTokens(Path bin, long binSize) {
    int numSequences = index.numSequences();
    int wrong = firstWrong(numSequences, this::wrongSequence);
    if (wrong < numSequences) {
      throw damaged(
          index.length(wrong) < 0
              ? "sequence %d has %d tokens".formatted(wrong, index.length(wrong))
              : "sequence %d begins at byte %d (expected: %d, where the one before ends)"
                  .formatted(wrong, index.offset(wrong), end(wrong)));
    }
    if (end(numSequences) != binSize) {
      throw SequenceIndex.damaged(
          bin,
          "%d bytes (expected: %d by %s)".formatted(binSize, end(numSequences), file.getFileName()),
          "The file is damaged, or the two are not of one preprocessing run");
    }
  }

  /** Finds the first wrong element of {@code [from, from + count)}; the end if there is none. */
  @FunctionalInterface
  private interface Search {
    int firstWrong(int from, int count);
  }

  private static int firstWrong(long size, Search search) {
    int blocks = (int) ((size + BLOCK - 1) / BLOCK);
    int groups = Math.min(blocks, 4 * Concurrent.numThreads());
    int[] found = new int[groups];
    Arrays.fill(found, (int) size);
    try {
      Concurrent.forEach(
          groups,
          group -> {
            int last = (int) ((group + 1L) * blocks / groups);
            for (int block = (int) ((long) group * blocks / groups); block < last; block++) {
              int from = block * BLOCK;
              int count = (int) Math.min(BLOCK, size - from);
              int wrong = search.firstWrong(from, count);
              if (wrong < from + count) {
                found[group] = wrong;
                return;
              }
            }
          });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return Arrays.stream(found).min().orElse((int) size);
  }

  private int wrongBoundary(int from, int count) {
    long[] values = new long[count];
    index.boundaries().getLongs(from, values, count);
    long previous = from == 0 ? 0 : index.boundaries().getLong(from - 1L);
    for (int i = 0; i < count; i++) {
      long max = from + i == 0 ? 0 : index.numSequences();
      if (values[i] < previous || values[i] > max) {
        return from + i;
      }
      previous = values[i];
    }
    return from + count;
  }

  private int wrongSequence(int from, int count) {
    int[] lengths = new int[count];
    long[] offsets = new long[count];
    index.lengths().getInts(from, lengths, count);
    index.offsets().getLongs(from, offsets, count);
    long end = end(from);
    for (int i = 0; i < count; i++) {
      if (lengths[i] < 0 || offsets[i] != end) {
        return from + i;
      }
      end += (long) lengths[i] * index.type().numBytes();
    }
    return from + count;
  }

  /** Returns where a sequence must begin: where the one before ends. */
  private long end(int sequence) {
    return sequence == 0 ? 0 : index.end(sequence - 1);
  }

  private UserException damaged(String finding) {
    return SequenceIndex.damaged(file, finding, DAMAGED);
  }
}
