package io.tanuki4j.parallel.context;

import io.tanuki4j.error.UserException;
import io.tanuki4j.parallel.ParallelContext;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The tokens of a sequence that a rank works on. A sequence is cut into twice as many pieces as
 * there are ranks, and rank r has pieces r and {@code 2 · size − 1 − r} (Megatron-LM's zigzag), one
 * from the front and one from the back: under a causal mask all ranks have equally much to do.
 *
 * @param rank in the context-parallel group
 * @param size of the group
 */
public record SequenceSharding(int rank, int size) {
  /** One rank has everything. */
  public static final SequenceSharding WHOLE = new SequenceSharding(0, 1);

  public SequenceSharding {
    if (rank < 0 || rank >= size) {
      throw new IllegalArgumentException(
          "context-parallel rank %d of %d (expected: 0 to %d)".formatted(rank, size, size - 1));
    }
  }

  /** Returns this rank's sharding. */
  public static SequenceSharding of(ParallelContext context) {
    return new SequenceSharding(context.cp().rank(), context.cp().size());
  }

  /** Consecutive tokens, {@code from} (inclusive) to {@code to} (exclusive). */
  public record Piece(int from, int to) {
    public int length() {
      return to - from;
    }
  }

  /** Returns the rank's tokens, in the order in which it holds them. */
  public List<Piece> pieces(int seqLength) {
    if (size == 1) {
      return List.of(new Piece(0, seqLength));
    }
    requireDivisible(seqLength);
    int length = seqLength / (2 * size);
    return List.of(piece(rank, length), piece(2 * size - 1 - rank, length));
  }

  private static Piece piece(int index, int length) {
    return new Piece(index * length, (index + 1) * length);
  }

  /** Returns the number of tokens of a sequence that each rank has. */
  public int localLength(int seqLength) {
    return pieces(seqLength).stream().mapToInt(Piece::length).sum();
  }

  /** Returns the position in the sequence of each of the rank's tokens. */
  public int[] positions(int seqLength) {
    return pieces(seqLength).stream()
        .flatMapToInt(piece -> IntStream.range(piece.from(), piece.to()))
        .toArray();
  }

  private void requireDivisible(int seqLength) {
    if (seqLength % (2 * size) != 0) {
      throw new UserException(
          ("--seq-length: %d (expected: a multiple of %d, twice --context-parallel-size %d)."
                  + " Use %d.")
              .formatted(seqLength, 2 * size, size, (seqLength / (2 * size) + 1) * 2 * size));
    }
  }
}
