package io.tanuki4j.nn;

import io.tanuki4j.kernel.AttentionMask;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * What layers know of a micro-batch's samples, beyond their tokens; null where nothing needs it.
 *
 * @param positions {@code [s, b]}, I32: the position that each token's rotation is for. Null if it
 *     is the token's place in its sequence
 * @param documentStarts {@code [s, b]}, I32, see {@link AttentionMask}. Null if a sample is one
 *     document
 * @param maxDocuments that a sample has at most, see {@link AttentionMask}
 * @param numbers {@code [b]}, I64: the number of each sample in the order of the run, for random
 *     numbers. Null if there are none
 */
public record Samples(
    @Nullable Tensor positions,
    @Nullable Tensor documentStarts,
    int maxDocuments,
    @Nullable Tensor numbers) {
  /** Nothing needs to be known. */
  public static final Samples NONE = new Samples(null, null, 1, null);

  /**
   * What is needed.
   *
   * @param positions whether rotary positions restart in each document
   * @param documents whether attention stays within a document
   * @param numbers whether there are random numbers
   */
  public record Kinds(boolean positions, boolean documents, boolean numbers) {
    /** Nothing. */
    public static final Kinds NONE = new Kinds(false, false, false);
  }

  /**
   * Allocates what is needed.
   *
   * @param tokens {@code [s, b]}
   */
  public static Samples allocate(Kinds kinds, Shape tokens, MemoryScope scope) {
    return new Samples(
        kinds.positions() ? scope.allocate(tokens, DType.I32) : null,
        kinds.documents() ? scope.allocate(tokens, DType.I32) : null,
        1,
        kinds.numbers() ? scope.allocate(Shape.of(tokens.dim(1)), DType.I64) : null);
  }

  /** Returns the same samples with another number of documents. */
  public Samples withMaxDocuments(int number) {
    return new Samples(positions, documentStarts, number, numbers);
  }

  /** Returns what attention over whole sequences leaves out. */
  AttentionMask attentionMask() {
    return documentStarts == null
        ? AttentionMask.NONE
        : AttentionMask.ofDocuments(documentStarts, maxDocuments);
  }
}
